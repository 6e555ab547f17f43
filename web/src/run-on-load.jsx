// With ?run=1 in its address the page runs the open tab once it has loaded.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { useEffect } from 'react'

function takeRunRequest() {
  const url = new URL(window.location.href)
  const asked = url.searchParams.get('run') === '1'
  url.searchParams.delete('run')
  if (asked) window.history.replaceState(null, '', url)
  return asked
}

// A link must not be able to write: a stored tab that holds a mutation stays as it is.
function onlyReads(operations) {
  return operations.length > 0 && operations.every(({ operation }) => operation === 'query')
}

let asked = takeRunRequest()

export function RunOnLoad() {
  const { run } = useGraphiQLActions()
  const { operations, ready } = useGraphiQL((state) => ({
    operations: state.operations,
    ready: Boolean(
      state.queryEditor && state.variableEditor && state.headerEditor && state.responseEditor,
    ),
  }))
  useEffect(() => {
    if (!asked || !ready || !operations) return
    asked = false
    if (onlyReads(operations)) run()
  }, [operations, ready, run])
  return null
}
