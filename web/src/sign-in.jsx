// The corner of the page that says who asks, and lets a user sign in and out.
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { signIn, signOut, subscribe, token, whoAsks } from './session.js'

export function SignIn() {
  const held = useSyncExternalStore(subscribe, token)
  const [viewer, setViewer] = useState(null)
  const [open, setOpen] = useState(false)
  const [problem, setProblem] = useState('')
  const opener = useRef(null)

  useEffect(() => {
    let current = true
    whoAsks()
      .catch(() => null)
      .then((found) => current && setViewer(found))
    return () => {
      current = false
    }
  }, [held])

  async function submit(event) {
    event.preventDefault()
    const form = event.currentTarget
    const { username, password } = Object.fromEntries(new FormData(form))
    setProblem('')
    try {
      await signIn(username, password)
      setOpen(false)
    } catch (error) {
      form.elements.password.value = ''
      setProblem(error.message)
    }
  }

  function closeOnEscape({ key }) {
    if (key !== 'Escape' || !open) return
    setOpen(false)
    setProblem('')
    opener.current?.focus()
  }

  return (
    <div className="sign-in" onKeyDown={closeOnEscape}>
      <span className="sign-in-viewer">{describe(viewer)}</span>
      {held ? (
        <button type="button" onClick={() => signOut().catch(() => {})}>
          Sign out
        </button>
      ) : (
        <button ref={opener} type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          Sign in
        </button>
      )}
      {open && !held && (
        <form className="sign-in-form" onSubmit={submit}>
          <label>
            Username
            <input name="username" autoComplete="username" required autoFocus />
          </label>
          <label>
            Password
            <input name="password" type="password" autoComplete="current-password" required />
          </label>
          <p role="alert">{problem}</p>
          <button type="submit">Sign in</button>
        </form>
      )}
    </div>
  )
}

function describe(viewer) {
  if (!viewer) return ''
  const role = viewer.role.toLowerCase()
  return viewer.username ? `${viewer.username}, ${role}` : `not signed in, ${role}`
}
