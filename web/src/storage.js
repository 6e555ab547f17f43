// GraphiQL's storage over localStorage, with one source of truth: the tabs.
// GraphiQL also keeps the open editors' text under keys of their own and, where the two
// disagree after a quick reload, opens a second copy of the tab. Here those keys are read
// from the active tab, so that the two cannot disagree.
import { openingTabs, titleOf } from './tabs.js'

const PREFIX = 'graphiql:'
const TABS = `${PREFIX}tabState`
const EDITORS = {
  [`${PREFIX}query`]: 'query',
  [`${PREFIX}variables`]: 'variables',
  [`${PREFIX}headers`]: 'headers',
}

/** Gives the tabs of a tab state their titles, in place. */
export function retitle(state) {
  for (const tab of state.tabs) tab.title = titleOf(tab.operationName) ?? tab.title
}

function parseTabs(text) {
  try {
    const state = JSON.parse(text)
    return state.tabs[state.activeTabIndex] ? state : null
  } catch {
    return null
  }
}

function readTabs() {
  const stored = parseTabs(localStorage.getItem(TABS))
  return stored ?? { activeTabIndex: 0, tabs: openingTabs() }
}

function ownKeys() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))
}

export const storage = {
  getItem(key) {
    if (key === TABS) return JSON.stringify(readTabs())
    if (key in EDITORS) {
      const { activeTabIndex, tabs } = readTabs()
      return tabs[activeTabIndex][EDITORS[key]] ?? null
    }
    return localStorage.getItem(key)
  },

  setItem(key, value) {
    if (key in EDITORS) return
    if (key !== TABS) {
      localStorage.setItem(key, value)
      return
    }
    const state = JSON.parse(value)
    retitle(state)
    localStorage.setItem(TABS, JSON.stringify(state))
  },

  removeItem(key) {
    localStorage.removeItem(key)
  },

  clear() {
    for (const key of ownKeys()) localStorage.removeItem(key)
  },

  get length() {
    return ownKeys().length
  },
}
