// Audits a server's GraphQL over HTTP with graphql-http, its reference: node audit.mjs URL [TOKEN]
// prints a JSON object with the number of audits and why some failed, by their id.
import { serverAudits } from 'graphql-http'

const [, , url, token] = process.argv

function fetchFn(address, { headers, ...options } = {}) {
  const authorization = token ? { authorization: `Bearer ${token}` } : {}
  return fetch(address, { ...options, headers: { ...headers, ...authorization } })
}

const audits = serverAudits({ url, fetchFn })
const failed = {}
for (const { id, name, fn } of audits) {
  const result = await fn()
  if (result.status !== 'ok') failed[id] = `${name}: ${result.reason}`
}
console.log(JSON.stringify({ audits: audits.length, failed }))
