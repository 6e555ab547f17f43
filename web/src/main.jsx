// The GraphiQL page: opening tabs, sign-in, the reader's own colour scheme. Headers are not
// remembered: a token may stand there.
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
import { ShowActiveTab } from './active-tab.jsx'
import { fetcher } from './fetcher.js'
import { RunOnLoad } from './run-on-load.jsx'
import { SignIn } from './sign-in.jsx'
import { retitle, storage } from './storage.js'

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    onTabChange={retitle}
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>
      cacaotrace
      <SignIn />
    </GraphiQL.Logo>
    <ShowActiveTab />
    <RunOnLoad />
  </GraphiQL>,
)
