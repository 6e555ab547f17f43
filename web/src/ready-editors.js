// The editors, once all of them have loaded; null before.
import { useGraphiQL } from '@graphiql/react'

export function useReadyEditors() {
  return useGraphiQL(({ queryEditor, variableEditor, headerEditor, responseEditor }) =>
    queryEditor && variableEditor && headerEditor && responseEditor
      ? { query: queryEditor, variables: variableEditor, headers: headerEditor, response: responseEditor }
      : null,
  )
}
