// The tabs a new visitor finds, in order. Each is a document in tabs/, with its
// variables, when it has any, in a sibling .variables.json.
const files = import.meta.glob('./tabs/*', { query: '?raw', import: 'default', eager: true })

// GraphiQL names a tab after its operation, and an operation's name has no spaces.
const titles = {
  FromBarToBean: 'From bar to bean',
  AuditABatch: 'Audit a batch',
  Search: 'Search',
  Write: 'Write',
}

export function titleOf(operationName) {
  return titles[operationName]
}

export function openingTabs() {
  return Object.entries(titles).map(([operationName, title]) => {
    const path = `./tabs/${title.toLowerCase().replaceAll(' ', '-')}`
    return {
      id: operationName,
      title,
      operationName,
      query: files[`${path}.graphql`].trimEnd(),
      variables: files[`${path}.variables.json`]?.trimEnd() ?? null,
      headers: null,
      response: null,
    }
  })
}
