import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { demoEmail, demoPeople } from './demo-people.ts'
import { portrait } from './portrait.ts'
import { demoAccounts } from './realm.ts'

const atOnce = 3
const timeoutMs = 60_000

/** Makes the demo customers through the public API, once in the life of a data folder. Returns how many were made. */
export const createDemoData = async (gatewayUrl: string, home: string): Promise<number> => {
  const done = join(home, 'demo-data')
  const begun = `${done}.begun`
  if (existsSync(done)) return 0
  const token = await signIn(gatewayUrl)
  const finish = () => writeFileSync(done, '')
  // Somebody else's customers are there: this is no place for invented ones.
  if (!existsSync(begun) && (await countCustomers(gatewayUrl, token)) > 0) {
    finish()
    return 0
  }
  writeFileSync(begun, '')
  let made = 0
  const waiting = [...demoPeople.keys()]
  const work = async () => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      if (await createCustomer(gatewayUrl, token, number)) made += 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  finish()
  return made
}

const signIn = async (gatewayUrl: string): Promise<string> => {
  const account = demoAccounts.find(({ role }) => role === 'user')
  const response = await fetch(`${gatewayUrl}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: account?.username, password: account?.password }),
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok) throw new Error(`the demo account cannot sign in: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { accessToken: string }).accessToken
}

const countCustomers = async (gatewayUrl: string, token: string): Promise<number> => {
  const response = await fetch(`${gatewayUrl}/v1/customers?limit=1`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok) throw new Error(`customers cannot be listed: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { data: unknown[] }).data.length
}

/** False when the customer was there already, from an earlier start that did not come to its end. */
const createCustomer = async (gatewayUrl: string, token: string, number: number): Promise<boolean> => {
  const person = demoPeople[number]
  if (!person) return false
  const { name, surname, phone, city, country, tags } = person
  const form = new FormData()
  const fields = { name, surname, phone, email: demoEmail(person), externalId: `demo-${number + 1}` }
  for (const [field, value] of Object.entries(fields)) form.set(field, value)
  form.set('tags', tags.join(','))
  form.set('address', JSON.stringify({ city, country }))
  form.set(
    'photo',
    new Blob([new Uint8Array(await portrait(number))], { type: 'image/jpeg' }),
    `demo-${number + 1}.jpg`,
  )
  const headers = { authorization: `Bearer ${token}`, 'idempotency-key': `demo-customer-${number + 1}` }
  const response = await patiently(() =>
    fetch(`${gatewayUrl}/v1/customers`, {
      method: 'POST',
      headers,
      body: form,
      signal: AbortSignal.timeout(timeoutMs),
    }),
  )
  const text = await response.text()
  const code = /"code":"([a-z_]+)"/.exec(text)?.[1]
  if (code === 'duplicate' || code === 'idempotency_mismatch') return false
  if (!response.ok) throw new Error(`demo customer ${number + 1} is refused: ${response.status} ${text.slice(0, 300)}`)
  return response.headers.get('idempotency-replayed') !== 'true'
}

/** Services that have only just come up may still be busy. */
const patiently = async (ask: () => Promise<Response>): Promise<Response> => {
  for (let attempt = 1; ; attempt += 1) {
    const response = await ask()
    if ((response.status !== 503 && response.status !== 429) || attempt === 5) return response
    await response.body?.cancel()
    await pause(attempt * 300)
  }
}
