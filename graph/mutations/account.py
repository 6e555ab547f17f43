"""Mutations to sign in and out, to change passwords, and to administer users."""

import strawberry
from sqlalchemy.orm import Session

import models
from graph import context
from graph.auth.roles import ADMINS, ANYONE, SIGNED_IN
from graph.mutations.caller import Caller, account_mutation
from graph.mutations.input import MutationInput, find_reference, reference, required, write_input
from graph.mutations.payload import extra, mutation_fields, payload, written
from graph.mutations.write import Written
from graph.types.role import Role
from graph.types.scalar import DateTime
from graph.types.user import User, Viewer
from models.accounts import account
from models.session import end_session, end_sessions


@strawberry.input(description="The name and the password of a user.")
class SignInInput:
    username: str = required("Name of the user.")
    password: str = required("The user's password.")


@strawberry.input(description="The sessions that end.")
class SignOutInput:
    everywhere: bool = strawberry.field(
        description="Whether all sessions of this user end, not only this one.", default=False
    )


@strawberry.input(description="The new password of the caller.")
class ChangePasswordInput:
    old_password: str = required("The password until now.")
    new_password: str = required(
        "The password from now on: 12 to 200 characters, not the username, "
        "nor a repetition or a sequence."
    )


@strawberry.input(description="A new user.")
class CreateUserInput:
    username: str = required(
        "The name to sign in by, in any case: letters A to Z and digits, with single `.`, `_`, `-`, `@`, "
        "`+` or spaces between them. No two users have names that look alike."
    )
    password: str = required(
        "A first password: 12 to 200 characters, not the username, nor a repetition or a sequence."
    )
    role: Role = strawberry.field(description="Role of the user.", default=Role.VIEWER)


@write_input("Another role for a user.")
class SetRoleInput(MutationInput):
    id: strawberry.ID | None = reference("The user.", former="user_id")
    role: Role = required("The new role of the user.")


@payload("The new session, and its user.")
class SignInPayload:
    token: str | None = extra(
        "The token, to be sent as `Authorization: Bearer TOKEN`. It is returned only here."
    )
    expires_at: DateTime | None = extra(
        "When it ends, in UTC; an hour without a request ends it before."
    )
    viewer: Viewer | None = extra("The caller from now on.")


@payload("The sessions that ended.")
class SignOutPayload:
    ended_sessions: int | None = extra("The number of sessions that ended.")


@payload("The sessions that ended with the old password.")
class ChangePasswordPayload:
    ended_sessions: int | None = extra("The number of sessions that ended.")


@payload("The user that was added.")
class CreateUserPayload:
    user: User | None = written("The user.")


@payload("The user whose role was set.")
class SetRolePayload:
    user: User | None = written("The user.")


def verify_name(input: SignInInput, caller: Caller) -> account.Verified:
    address = caller.viewer.address
    return account.verify(caller.database, input.username, input.password, address)


def verify_viewer(input: ChangePasswordInput, caller: Caller) -> account.Verified:
    viewer = caller.viewer
    name = viewer.username or ""
    return account.verify(caller.database, name, input.old_password, viewer.address, signed_in=True)


def _sign_in(session: Session, _input: SignInInput, caller: Caller) -> Written:
    user = caller.verified
    assert user is not None
    started = account.sign_in(session, user)
    viewer = Viewer.of(
        context.Viewer(user.role, username=user.username, expires_at=started.expires_at)
    )
    caller.extra.update(token=started.token, expires_at=viewer.expires_at, viewer=viewer)
    return {}


def sign_out(session: Session, input: SignOutInput, caller: Caller) -> Written:
    viewer = caller.viewer
    assert viewer.session is not None
    assert viewer.user_id is not None
    caller.extra["ended_sessions"] = (
        end_sessions(session, viewer.user_id)
        if input.everywhere
        else end_session(session, viewer.session)
    )
    return {}


def _change_password(session: Session, input: ChangePasswordInput, caller: Caller) -> Written:
    assert caller.verified is not None
    caller.extra["ended_sessions"] = account.change_password(
        session, caller.verified, input.new_password, caller.viewer.session
    )
    return {}


def _create_user(session: Session, input: CreateUserInput, _asker: Caller) -> Written:
    key = account.create_user(session, input.username, input.password, str(input.role.value))
    return {"user": key}


def _set_role(session: Session, input: SetRoleInput, _asker: Caller) -> Written:
    key = find_reference(session, models.User, input, "id")
    account.set_role(session, key, str(input.role.value))
    return {"user": key}


@mutation_fields
class AccountMutation:
    sign_in = account_mutation(
        "Sign in with a name and a password. Five failures of a name from one address in 15 minutes, "
        "20 from one address or 100 of one name, and it waits.",
        SignInInput,
        SignInPayload,
        _sign_in,
        first=True,
        verify=verify_name,
        roles=ANYONE,
    )
    sign_out = account_mutation(
        "End the session of this request.",
        SignOutInput,
        SignOutPayload,
        sign_out,
        of_session=True,
        revokes=True,
        roles=SIGNED_IN,
    )
    change_password = account_mutation(
        "Change the password of the caller; all other sessions of this user end.",
        ChangePasswordInput,
        ChangePasswordPayload,
        _change_password,
        of_session=True,
        first=True,
        revokes=True,
        verify=verify_viewer,
        roles=SIGNED_IN,
    )
    create_user = account_mutation(
        "Add a user. Not for API keys.",
        CreateUserInput,
        CreateUserPayload,
        _create_user,
        first=True,
        of_person=True,
        roles=ADMINS,
    )
    set_role = account_mutation(
        "Give a user another role, at once in every session; an admin must be left. Not for API keys.",
        SetRoleInput,
        SetRolePayload,
        _set_role,
        of_person=True,
        revokes=True,
        roles=ADMINS,
    )
