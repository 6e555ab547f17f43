// Shows the active tab once the editors have loaded. GraphiQL creates each editor with the text of
// the tab that was active when the page opened: without this, a tab chosen while the editors load
// shows, runs and then stores the document of the tab before.
import { useGraphiQL } from '@graphiql/react'
import { useEffect, useRef } from 'react'
import { useReadyEditors } from './ready-editors.js'

export function ShowActiveTab() {
  const editors = useReadyEditors()
  const tab = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex])
  const shown = useRef(false)
  useEffect(() => {
    if (!editors || shown.current) return
    shown.current = true
    for (const [name, editor] of Object.entries(editors)) {
      const text = tab[name] ?? ''
      if (editor.getValue() !== text) editor.setValue(text)
    }
  }, [editors, tab])
  return null
}
