const status = document.getElementById('health-status')
const list = document.getElementById('health-checks')

const show = (kind, text, checks) => {
  status.className = `pill ${kind}`
  if (status.textContent !== text) status.textContent = text
  list.replaceChildren(
    ...checks.map((check) => {
      const item = document.createElement('li')
      item.className = check.status
      item.append(check.name)
      const note = document.createElement('small')
      note.textContent = check.detail ?? check.status
      item.append(note)
      return item
    }),
  )
}

const ask = async () => {
  try {
    const answer = await fetch('/health', { cache: 'no-store', signal: AbortSignal.timeout(5000) })
    const health = await answer.json()
    const up = health.status === 'up'
    show(up ? 'up' : 'down', up ? 'all well' : 'something is down', health.checks ?? [])
  } catch {
    show('down', 'no answer', [])
  }
}

ask()
setInterval(() => {
  if (!document.hidden) ask()
}, 10_000)
