// The GraphiQL page: opening tabs, remembered headers, the reader's own colour scheme.
import './workers.js'
import '@graphiql/react/font/roboto.css'
import '@graphiql/react/font/fira-code.css'
import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import '@graphiql/plugin-history/style.css'
import 'graphiql/graphiql.css'
import './page.css'
import { GraphiQL } from 'graphiql'
import { createRoot } from 'react-dom/client'
import { fetcher } from './fetcher.js'
import { RunOnLoad } from './run-on-load.jsx'
import { retitle, storage } from './storage.js'

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    onTabChange={retitle}
    shouldPersistHeaders
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>cacaotrace</GraphiQL.Logo>
    <RunOnLoad />
  </GraphiQL>,
)
