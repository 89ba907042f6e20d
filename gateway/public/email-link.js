const button = document.getElementById('follow')
const outcome = document.getElementById('outcome')
// The token stands behind the #, so it is in no log of a server. It is removed from the history as well.
const token = location.hash.slice(1)
history.replaceState(null, '', location.pathname)

button.addEventListener('click', async () => {
  button.disabled = true
  outcome.textContent = ''
  try {
    const response = await fetch(button.dataset.path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
      signal: AbortSignal.timeout(30_000),
    })
    if (response.ok) {
      outcome.textContent = button.dataset.done
      return
    }
    if (response.status === 404 || response.status === 422) {
      outcome.textContent = 'The link is not valid: it was used, or it has expired.'
      return
    }
    const problem = await response.json()
    outcome.textContent = problem.detail ?? problem.title
  } catch {
    outcome.textContent = 'There was no response.'
  }
  button.disabled = false
})
