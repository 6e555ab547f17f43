// Posts an operation to the address the page itself was loaded from, as whoever has signed in.
import { operationsOf } from './operations.js'
import { authorization } from './session.js'

function lowercased(headers) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

// GraphiQL names the operation of the document that it parsed last, a tenth of a second after the text
// changes: a name that the text does not define is that of the tab before.
function currentOperation({ query, operationName, ...rest }) {
  const names = operationsOf(query).map(({ name }) => name?.value)
  return { query, ...rest, operationName: names.includes(operationName) ? operationName : names[0] }
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
    body: JSON.stringify(currentOperation(params)),
  })
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`The server answered ${response.status} with something other than JSON.`)
  }
}
