// Who has signed in on this page: a token in sessionStorage, which this tab alone can read and
// which ends with it. It is in no address, and in nothing that GraphiQL stores.
const KEY = 'cacaotrace:token'
const listeners = new Set()

export function token() {
  return sessionStorage.getItem(KEY)
}

function keep(value) {
  if (value) sessionStorage.setItem(KEY, value)
  else sessionStorage.removeItem(KEY)
  for (const listener of listeners) listener()
}

/** Calls `listener` whenever the token changes; returns what ends that. */
export function subscribe(listener) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The headers that say who asks; those of the headers editor win. */
export function authorization() {
  return token() ? { authorization: `Bearer ${token()}` } : {}
}

async function post(query, variables) {
  const response = await fetch(window.location.pathname, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      ...authorization(),
    },
    body: JSON.stringify({ query, variables }),
  })
  return response.json()
}

/** Signs in and keeps the token; throws an Error that says what is wrong. */
export async function signIn(username, password) {
  keep(null)
  const { data, errors } = await post(
    `mutation SignIn($input: SignInInput!) {
      signIn(input: $input) { token userErrors { message } }
    }`,
    { input: { username, password } },
  )
  const payload = data?.signIn
  if (!payload?.token) {
    throw new Error(payload?.userErrors?.[0]?.message ?? errors?.[0]?.message ?? 'Not signed in.')
  }
  keep(payload.token)
}

/** Forgets the token, and ends its session if the server can be reached. */
export async function signOut() {
  try {
    await post('mutation { signOut(input: {}) { userErrors { code } } }')
  } finally {
    keep(null)
  }
}

/** Who asks, as the server sees it; null where it does not say. A token that has ended is forgotten. */
export async function whoAsks() {
  const { data, errors } = await post('{ viewer { username role } }')
  if (token() && errors?.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED')) keep(null)
  return data?.viewer ?? null
}
