import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSystem } from '@clientele/e2e/system'
import { testEnv } from '@clientele/platform/testing/database'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { freePorts } from '@clientele/stack/profile/ports'
import { installPackages, isOnPath } from '@clientele/stack/tools/packages'
import { load, type Outcome } from '../load.ts'
import type { Bench, Figure, Part } from '../part.ts'
import { startNginx } from '../peers/nginx.ts'
import { memoryOf } from '../process.ts'

const rounds = 5
const plenty = '10000000'
const path = '/v1/customers/01902f3c-5a7e-7c11-b3a4-6f0d2c9e8b71'

type Way = { name: string; url: string; pid: number }
type Outcomes = Map<string, Outcome[]>

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** A program that sends its port when it listens and ends with its parent. */
const startPeer = async (
  file: string,
  args: string[] = [],
): Promise<{ child: ChildProcess; url: string; pid: number }> => {
  const child = fork(new URL(`../peers/${file}`, import.meta.url), args)
  const [port] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [number]
  return { child, url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 }
}

/** The same load over each way, again and again: what disturbs the machine disturbs all of them. */
const inTurns = async (ways: Way[], seconds: number, rate: number | undefined, authorization: string) => {
  const outcomes: Outcomes = new Map(ways.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const { name, url, pid } of ways) {
      const options = { url: `${url}${path}`, seconds, headers: { authorization }, pids: [pid] }
      outcomes.get(name)?.push(await load(rate === undefined ? options : { ...options, rate, connections: 128 }))
    }
  return outcomes
}

const measure = async (ways: Way[], authorization: string, say: Bench['say']): Promise<Figure[]> => {
  // Long enough for the compiler to be through with all of them.
  for (const { url } of ways) await load({ url: `${url}${path}`, seconds: 5, headers: { authorization } })
  say('full load')
  const full = await inTurns(ways, 2, undefined, authorization)
  const of = (from: Outcomes, name: string, field: keyof Outcome) => (from.get(name) ?? []).map((one) => one[field])
  const cpu = (name: string) => median(of(full, name, 'cpu'))
  const ratio = (other: string) => {
    const theirs = of(full, other, 'cpu')
    return median(of(full, 'gateway', 'cpu').map((ours, round) => ours / (theirs[round] ?? Number.NaN)))
  }
  const rate = median(of(full, 'gateway', 'perSecond')) / 2
  say(`half load: ${Math.round(rate)} requests a second`)
  const half = await inTurns(
    ways.filter(({ name }) => name !== 'express'),
    4,
    rate,
    authorization,
  )
  const p99 = (name: string) => of(half, name, 'p99')
  const added = (name: string, field: 'p50' | 'p99') => {
    const direct = of(half, 'direct', field)
    return median(of(half, name, field).map((ours, round) => ours - (direct[round] ?? Number.NaN)))
  }
  const figures: Figure[] = [
    { what: 'CPU per request: gateway', value: cpu('gateway'), unit: 'µs' },
    { what: 'CPU per request: Express 5, jose, http-proxy-middleware', value: cpu('express'), unit: 'µs' },
    { what: 'CPU per request: nginx, which checks no token', value: cpu('nginx'), unit: 'µs' },
    { what: "gateway's share of Express's CPU", value: ratio('express'), unit: '×', target: { atMost: 0.6 } },
    { what: "gateway's CPU by nginx's", value: ratio('nginx'), unit: '×' },
    { what: 'full load: gateway', value: median(of(full, 'gateway', 'perSecond')), unit: '/s' },
    { what: 'full load: Express', value: median(of(full, 'express', 'perSecond')), unit: '/s' },
    { what: 'full load: nginx', value: median(of(full, 'nginx', 'perSecond')), unit: '/s' },
    { what: 'half load: requests', value: rate, unit: '/s' },
    { what: 'half load: p99 without a gateway', value: median(p99('direct')), unit: 'ms' },
    { what: 'half load: p50 added by the gateway', value: added('gateway', 'p50'), unit: 'ms' },
    { what: 'half load: p99 added by the gateway', value: added('gateway', 'p99'), unit: 'ms', target: { atMost: 3 } },
    { what: 'half load: p99 added by nginx', value: added('nginx', 'p99'), unit: 'ms' },
  ]
  const memory = ways
    .filter(({ name }) => name !== 'direct')
    .map(
      ({ name, pid }): Figure => ({
        what: `memory after the load: ${name}`,
        value: memoryOf(pid).proportional,
        unit: 'MB',
      }),
    )
  return [...figures, ...memory]
}

const run = async ({ say }: Bench): Promise<Figure[]> => {
  if (!isOnPath('nginx')) await installPackages(['nginx-light'], say)
  const folder = await mkdtemp(join(tmpdir(), 'clientele-bench-'))
  const issuer = `${testEnv('TEST_KEYCLOAK_URL')}/realms/clientele`
  const ending: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  try {
    const upstream = await startPeer('upstream.ts')
    ending.push(() => upstream.child.disconnect())
    const express = await startPeer('express-gateway.ts', [upstream.url, issuer])
    ending.push(() => express.child.disconnect())
    const [port = 0] = await freePorts(1)
    const nginx = await startNginx(folder, port, upstream.url.slice('http://'.length))
    ending.push(nginx.stop)
    const limits = { RATE_LIMIT_USER: plenty, RATE_LIMIT_ADDRESS: plenty }
    const system = await startSystem(
      { gateway: { CUSTOMER_SERVICE_URL: upstream.url, LOG_LEVEL: 'info', ...limits } },
      { logFile: join(folder, 'system.log') },
    )
    ending.push(system.close)
    const authorization = `Bearer ${(await tokenFor('user')).token}`
    await eventually(async () => {
      const answer = await fetch(`${nginx.url}${path}`)
      if (!answer.ok) throw new Error(`nginx: status ${answer.status}`)
    })
    for (const url of [system.gateway, express.url]) {
      const { status } = await fetch(`${url}${path}`, { headers: { authorization: `${authorization}x` } })
      if (status !== 401) throw new Error(`${url} answers ${status} to a token that is not valid`)
    }
    const ways: Way[] = [
      { name: 'gateway', url: system.gateway, pid: system.pid('gateway') },
      { name: 'express', url: express.url, pid: express.pid },
      { name: 'nginx', url: nginx.url, pid: nginx.pid() },
      { name: 'direct', url: upstream.url, pid: upstream.pid },
    ]
    say(`started: gateway ${system.pid('gateway')}`)
    return await measure(ways, authorization, say)
  } finally {
    for (const end of ending.reverse()) await end()
  }
}

export const gateway: Part = {
  name: 'gateway',
  about:
    'An authenticated `GET` of about 900 bytes through our gateway (token, revocations, rate limits, access log, metrics), through Express 5 with jose and http-proxy-middleware (token only) and through one nginx worker (nothing but its log), all in front of the same trivial HTTP server. Full load is 32 connections; half load is half of what our gateway then reached, in random arrivals, its latencies counted from when a request was due.',
  run,
}
