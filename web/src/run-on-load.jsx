// With ?run=1 in its address the page runs the open tab once it has loaded.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { useEffect } from 'react'
import { operationsOf } from './operations.js'
import { useReadyEditors } from './ready-editors.js'

function takeRunRequest() {
  const url = new URL(window.location.href)
  const asked = url.searchParams.get('run') === '1'
  url.searchParams.delete('run')
  if (asked) window.history.replaceState(null, '', url)
  return asked
}

// A link must not be able to write: a tab that holds a mutation stays as it is. The text of the
// editor decides, since that is what is sent.
function onlyReads(text) {
  const operations = operationsOf(text)
  return operations.length > 0 && operations.every(({ operation }) => operation === 'query')
}

let asked = takeRunRequest()

export function RunOnLoad() {
  const { run } = useGraphiQLActions()
  const editors = useReadyEditors()
  const parsed = useGraphiQL(({ operations }) => Boolean(operations))
  useEffect(() => {
    if (!asked || !editors || !parsed) return
    asked = false
    if (onlyReads(editors.query.getValue())) run()
  }, [editors, parsed, run])
  return null
}
