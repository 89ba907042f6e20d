import { showCustomers } from './customer-list.ts'
import { find, messageOf, showMessage } from './page.ts'

const signIn = find('#sign-in', HTMLButtonElement)
const signOut = find('#sign-out', HTMLButtonElement)

try {
  const { clientele, restoreSession, users } = await import('./session.ts')
  signIn.addEventListener('click', () => users.signinRedirect())
  signOut.addEventListener('click', () => users.signoutRedirect())
  const profile = await restoreSession()
  signIn.hidden = profile !== undefined
  signOut.hidden = profile === undefined
  if (profile) {
    find('#user', HTMLElement).textContent = profile.displayName
    showCustomers(clientele)
  }
} catch (error) {
  showMessage(`The page cannot start: ${messageOf(error)}`)
}
