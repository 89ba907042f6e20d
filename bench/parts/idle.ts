import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { npmRun, startEnv, startPorts } from '@clientele/e2e/start.process'
import { load } from '../load.ts'
import type { Bench, Figure, Part } from '../part.ts'
import { memoryOf } from '../process.ts'

const services = ['gateway', 'user-service', 'customer-service', 'media-service'] as const
const unlimited = { RATE_LIMIT_USER: '1000000', RATE_LIMIT_ADDRESS: '1000000' }
const ready = 'Clientele is ready'
const idleMs = 30_000
const longerMs = 60_000
const burstRequests = 20_000

type Memory = { name: string; resident: number; proportional: number }
type Place = { home: string; gateway: string; env: NodeJS.ProcessEnv }

const pidOf = (home: string, name: string): number =>
  (JSON.parse(readFileSync(join(home, 'run', `${name}.json`), 'utf8')) as { pid: number }).pid

const measure = (home: string): Memory[] => services.map((name) => ({ name, ...memoryOf(pidOf(home, name)) }))
const residentOf = (all: Memory[]): number => all.reduce((sum, { resident }) => sum + resident, 0)
const proportionalOf = (all: Memory[]): number => all.reduce((sum, { proportional }) => sum + proportional, 0)

/** From the start of the process to its line `started`, in seconds. */
const startedAfter = (home: string, name: string): number => {
  const ticks = readFileSync(`/proc/${pidOf(home, name)}/stat`, 'utf8')
    .split(') ')
    .at(-1)
    ?.split(' ')[19]
  const booted = Number(/^btime (\d+)/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1])
  const lines = readFileSync(join(home, 'logs', `${name}.log`), 'utf8').split('\n')
  const line = lines.findLast((text) => text.includes('"msg":"started"')) ?? '{}'
  const { time } = JSON.parse(line) as { time: string }
  return Date.parse(time) / 1000 - (booted + Number(ticks) / 100)
}

/** Runs `work` on a started product, and stops it whatever happens. */
const started = async <T>(env: NodeJS.ProcessEnv, work: (seconds: number) => Promise<T> | T): Promise<T> => {
  const from = Date.now()
  const product = npmRun('start', env)
  try {
    await product.says(ready, 180_000)
    return await work((Date.now() - from) / 1000)
  } finally {
    if (product.child.exitCode === null && product.child.signalCode === null) product.interrupt()
    await product.ended
  }
}

const signIn = async (gateway: string): Promise<string> => {
  const response = await fetch(`${gateway}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'user', password: '12345' }),
    signal: AbortSignal.timeout(10_000),
  })
  if (!response.ok) throw new Error(`sign-in answered ${response.status}`)
  return ((await response.json()) as { accessToken: string }).accessToken
}

const burst = async (gateway: string): Promise<void> => {
  const headers = { authorization: `Bearer ${await signIn(gateway)}` }
  const seconds = 5
  for (let sent = 0, rounds = 0; sent < burstRequests && rounds < 8; rounds += 1) {
    const { requests } = await load({ url: `${gateway}/v1/customers?limit=20`, connections: 32, seconds, headers })
    sent += requests
  }
}

const warm = async ({ home, gateway }: Place, seconds: number, { say }: Bench): Promise<Figure[]> => {
  say(`started again after ${seconds.toFixed(1)} s; waiting ${idleMs / 1000} s`)
  await pause(idleMs)
  const idle = measure(home)
  say(`waiting ${longerMs / 1000} s more`)
  await pause(longerMs)
  const later = measure(home)
  say(`${burstRequests} requests`)
  await burst(gateway)
  const busy = measure(home)
  await pause(idleMs)
  const after = measure(home)
  return [
    { what: 'npm start, the second time', value: seconds, unit: 's', target: { atMost: 60 } },
    ...services.map(
      (name): Figure => ({ what: `${name}: process to started`, value: startedAfter(home, name), unit: 's' }),
    ),
    ...idle.map(({ name, resident }): Figure => ({ what: `${name}: resident, idle`, value: resident, unit: 'MB' })),
    { what: 'all four, resident, idle (the Node binary counted four times)', value: residentOf(idle), unit: 'MB' },
    { what: 'all four, proportional, idle', value: proportionalOf(idle), unit: 'MB', target: { atMost: 400 } },
    { what: 'growth in a further idle minute', value: residentOf(later) - residentOf(idle), unit: 'MB' },
    { what: 'all four, resident, right after 20,000 requests', value: residentOf(busy), unit: 'MB' },
    { what: 'all four, resident, 30 s after them', value: residentOf(after), unit: 'MB' },
    { what: 'all four, proportional, 30 s after them', value: proportionalOf(after), unit: 'MB' },
  ]
}

/** The product as `npm start` brings it up, in a data folder and on ports of its own. */
export const idle: Part = {
  name: 'idle',
  about:
    'Memory of the four processes of a product that `npm start` brought up the second time and nobody uses, 30 s after the start, with the default polling and health checks going on: resident sets added up (shared pages counted four times) and proportional ones (counted once). Then after a burst of 20,000 lists of customers.',
  run: async (bench) => {
    const home = join(mkdtempSync(join(tmpdir(), 'clientele-idle-')), 'data')
    const ports = await startPorts()
    const place = {
      home,
      gateway: `http://localhost:${ports.GATEWAY_PORT}`,
      env: { ...startEnv(home, ports), ...unlimited },
    }
    try {
      bench.say('first start: data and compiled code are made')
      const first = await started(place.env, (seconds) => seconds)
      const figures = await started(place.env, (seconds) => warm(place, seconds, bench))
      return [{ what: 'npm start, the first time with what is cached', value: first, unit: 's' }, ...figures]
    } finally {
      rmSync(join(home, '..'), { recursive: true, force: true })
    }
  },
}
