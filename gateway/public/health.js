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

const refresh = async () => {
  try {
    const response = await fetch('/health', { cache: 'no-store', signal: AbortSignal.timeout(5000) })
    const health = await response.json()
    const up = health.status === 'up'
    show(up ? 'up' : 'down', up ? 'up' : 'down', health.checks ?? [])
  } catch {
    show('down', 'no response', [])
  }
}

refresh()
setInterval(() => {
  if (!document.hidden) refresh()
}, 10_000)
