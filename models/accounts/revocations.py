"""When tokens were last revoked in this process: caches of tokens are cleared then.

A counter and no list: sign-outs are rare, and to look a token up again costs one read.
"""


class Credentials:
    """Counts revocations. Safe between threads: one adds after a commit, another compares."""

    def __init__(self) -> None:
        self.revocations = 0

    def forget(self) -> None:
        """Forget all tokens: what is cached of them may be wrong."""
        self.revocations += 1
