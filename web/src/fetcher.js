// Posts an operation to the address the page itself was loaded from, as whoever has signed in.
import { authorization } from './session.js'

function lowercased(headers) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

export async function fetcher(params, { headers = {} } = {}) {
  const response = await fetch(window.location.pathname, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
      ...authorization(),
      ...lowercased(headers),
    },
    body: JSON.stringify(params),
  })
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`The server answered ${response.status} with something other than JSON.`)
  }
}
