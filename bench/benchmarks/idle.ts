import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freeProductPorts, productEnv, runNpm } from '@clientele/e2e/start.process'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { load } from '../load.ts'
import { memoryOf } from '../process.ts'

const services = ['gateway', 'user-service', 'customer-service', 'media-service'] as const
const unlimited = { RATE_LIMIT_USER: '1000000', RATE_LIMIT_ADDRESS: '1000000', ROWS_PER_MINUTE: '1000000000' }
const ready = 'Clientele is ready'
const idleMs = 30_000
const longerMs = 60_000
const burstRequests = 20_000

type Memory = { name: string; resident: number; proportional: number }
type ProductPlace = { home: string; gateway: string; env: NodeJS.ProcessEnv }

const pidOf = (home: string, name: string): number =>
  (JSON.parse(readFileSync(join(home, 'run', `${name}.json`), 'utf8')) as { pid: number }).pid

const measureAll = (home: string): Memory[] => services.map((name) => ({ name, ...memoryOf(pidOf(home, name)) }))
const totalResident = (all: Memory[]): number => all.reduce((sum, { resident }) => sum + resident, 0)
const totalProportional = (all: Memory[]): number => all.reduce((sum, { proportional }) => sum + proportional, 0)

/** The seconds from the start of the process to its log line `started`. */
const startSeconds = (home: string, name: string): number => {
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

/** Runs `work` on a started product, and stops the product afterwards. */
const withProduct = async <T>(env: NodeJS.ProcessEnv, work: (seconds: number) => Promise<T> | T): Promise<T> => {
  const from = Date.now()
  const product = runNpm('start', env)
  try {
    await product.waitForOutput(ready, 180_000)
    return await work((Date.now() - from) / 1000)
  } finally {
    if (product.child.exitCode === null && product.child.signalCode === null) product.interrupt()
    await product.exited
  }
}

const signIn = async (gateway: string): Promise<string> => {
  const response = await fetch(`${gateway}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'user', password: '12345' }),
    signal: AbortSignal.timeout(10_000),
  })
  if (!response.ok) throw new Error(`sign-in returned ${response.status}`)
  return ((await response.json()) as { accessToken: string }).accessToken
}

const sendBurst = async (gateway: string): Promise<void> => {
  const headers = { authorization: `Bearer ${await signIn(gateway)}` }
  const seconds = 5
  for (let sent = 0, rounds = 0; sent < burstRequests && rounds < 8; rounds += 1) {
    const { requests } = await load({ url: `${gateway}/v1/customers?limit=20`, connections: 32, seconds, headers })
    sent += requests
  }
}

const measureWarmStart = async (
  { home, gateway }: ProductPlace,
  seconds: number,
  { log }: BenchmarkContext,
): Promise<Figure[]> => {
  log(`started again after ${seconds.toFixed(1)} s; waiting ${idleMs / 1000} s`)
  await pause(idleMs)
  const idle = measureAll(home)
  log(`waiting ${longerMs / 1000} s more`)
  await pause(longerMs)
  const later = measureAll(home)
  log(`${burstRequests} requests`)
  await sendBurst(gateway)
  const busy = measureAll(home)
  await pause(idleMs)
  const after = measureAll(home)
  return [
    { what: 'second npm start', value: seconds, unit: 's', target: { atMost: 60 } },
    ...services.map((name): Figure => ({ what: `${name}: start-up time`, value: startSeconds(home, name), unit: 's' })),
    ...idle.map(
      ({ name, resident }): Figure => ({ what: `${name}: resident memory, idle`, value: resident, unit: 'MB' }),
    ),
    {
      what: 'all four: resident memory, idle (shared pages counted four times)',
      value: totalResident(idle),
      unit: 'MB',
    },
    {
      what: 'all four: proportional memory, idle',
      value: totalProportional(idle),
      unit: 'MB',
      target: { atMost: 400 },
    },
    { what: 'all four: growth in one more idle minute', value: totalResident(later) - totalResident(idle), unit: 'MB' },
    { what: 'all four: resident memory, right after 20,000 requests', value: totalResident(busy), unit: 'MB' },
    { what: 'all four: resident memory, 30 s later', value: totalResident(after), unit: 'MB' },
    { what: 'all four: proportional memory, 30 s later', value: totalProportional(after), unit: 'MB' },
  ]
}

export const idle: Benchmark = {
  name: 'idle',
  about:
    'Memory of four processes of the product 30 s after a second `npm start`, without requests, with the default polling and health checks. Resident memory added up counts shared pages four times; proportional memory counts them once. Then the same after a burst of 20,000 list requests.',
  run: async (bench) => {
    const home = join(mkdtempSync(join(tmpdir(), 'clientele-idle-')), 'data')
    const ports = await freeProductPorts()
    const place = {
      home,
      gateway: `http://localhost:${ports.GATEWAY_PORT}`,
      env: { ...productEnv(home, ports), ...unlimited },
    }
    try {
      bench.log('first start: creates the data and the compile cache')
      const first = await withProduct(place.env, (seconds) => seconds)
      const figures = await withProduct(place.env, (seconds) => measureWarmStart(place, seconds, bench))
      return [{ what: 'first npm start, downloads cached', value: first, unit: 's' }, ...figures]
    } finally {
      rmSync(join(home, '..'), { recursive: true, force: true })
    }
  },
}
