import { openAsBlob } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type System, startSystem } from '@clientele/e2e/system'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { load, type Outcome } from '../load.ts'
import { childrenOf, watchMemory } from '../memory.ts'
import type { Bench, Figure, Part } from '../part.ts'
import { largePhotos, type Photo } from '../peers/large-photos.ts'

const atOnce = 20
const rounds = 3
const mostMb = 250
const patienceMs = 150_000

type Sent = { id: string; refused: number }

/** Uploads a photo as often as it is told to wait. @throws Error on any other answer */
const upload = async (gateway: string, token: string, { path, type, name }: Photo): Promise<Sent> => {
  const until = Date.now() + patienceMs
  for (let refused = 0; ; refused += 1) {
    const body = new FormData()
    body.set('file', await openAsBlob(path, { type }), name)
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${gateway}/v1/media`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(patienceMs),
    })
    const answer = await response.text()
    if (response.status === 201) return { id: (JSON.parse(answer) as { id: string }).id, refused }
    const wait = Number(response.headers.get('retry-after'))
    if (response.status !== 503 || !(wait > 0)) throw new Error(`${name}: ${response.status} ${answer}`)
    if (Date.now() > until) throw new Error(`${name}: still told to wait after ${refused + 1} attempts`)
    await pause(wait * 1_000)
  }
}

const reads = async (system: System, token: string, ids: string[], { say }: Bench): Promise<Figure[]> => {
  const pids = [system.pid('gateway'), system.pid('media-service')]
  const get = async (what: string, query: string, headers: Record<string, string>): Promise<Figure[]> => {
    const requests = ids.map((id) => ({ method: 'GET' as const, path: `/v1/media/${id}/content${query}` }))
    const authorization = `Bearer ${token}`
    const outcome: Outcome = await load({
      url: system.gateway,
      connections: 16,
      seconds: 5,
      headers: { authorization, ...headers },
      requests,
      pids,
    })
    say(`${what}: ${outcome.perSecond.toFixed(0)}/s`)
    return [
      { what: `${what}, through the gateway`, value: outcome.perSecond, unit: '/s' },
      { what: `${what}, CPU of gateway and media-service together`, value: outcome.cpu, unit: 'µs' },
    ]
  }
  // Until a small picture is made, the original stands in for it.
  const isMade = async (id: string): Promise<void> => {
    const response = await fetch(`${system.gateway}/v1/media/${id}/content?variant=thumb`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(30_000),
    })
    await response.body?.cancel()
    if (!/immutable/.test(response.headers.get('cache-control') ?? '')) throw new Error(`${id} has no thumbnail`)
  }
  for (const id of ids) await eventually(() => isMade(id), { timeoutMs: 60_000, everyMs: 200 })
  return [
    ...(await get('64 KiB of a photo by Range', '', { range: 'bytes=1000000-1065535' })),
    ...(await get('thumbnail', '?variant=thumb', {})),
  ]
}

export const uploads: Part = {
  name: 'uploads',
  about: `${atOnce} photos of 20 MB each (JPEG, PNG, WebP of noise) uploaded at once through the gateway, ${rounds} times; who is told to wait does so and tries again. Then reads of them.`,
  run: async (bench) => {
    const { say } = bench
    const folder = await mkdtemp(join(tmpdir(), 'clientele-bench-'))
    const limits = { RATE_LIMIT_USER: '1000000', RATE_LIMIT_ADDRESS: '1000000' }
    let system: System | undefined
    try {
      const photos = await largePhotos(folder)
      say(photos.map(({ name, bytes }) => `${name} ${(bytes / 1e6).toFixed(1)} MB`).join(', '))
      const running = await startSystem({ gateway: limits }, { logFile: join(folder, 'log') })
      system = running
      const { token } = await tokenFor('user')
      const media = running.pid('media-service')
      const memory = watchMemory({
        gateway: () => [running.pid('gateway')],
        media: () => [media],
        worker: () => childrenOf(media),
      })
      const held: number[] = []
      const seconds: number[] = []
      const sent: Sent[] = []
      for (let round = 0; round < rounds; round += 1) {
        const from = performance.now()
        const each = Array.from({ length: atOnce }, (_, n) => photos[n % photos.length] as Photo)
        sent.push(...(await Promise.all(each.map((photo) => upload(running.gateway, token, photo)))))
        seconds.push((performance.now() - from) / 1_000)
        held.push(memory.peak('media'))
        const peaks = ['gateway', 'media', 'worker'].map((name) => `${name} ${memory.peak(name).toFixed(0)} MB`)
        say(`round ${round + 1}: ${seconds.at(-1)?.toFixed(0)} s, peaks ${peaks.join(', ')}`)
      }
      const ids = [...new Set(sent.map(({ id }) => id))].slice(-atOnce)
      const stored = sent.length
      const refused = sent.reduce((sum, each) => sum + each.refused, 0)
      const readings = await reads(running, token, ids, bench)
      memory.stop()
      const target = { atMost: mostMb }
      return [
        { what: 'uploads stored', value: stored, unit: '', target: { atLeast: atOnce * rounds } },
        { what: 'attempts that were told to wait', value: refused, unit: '' },
        { what: `${atOnce} uploads at once, the slowest round`, value: Math.max(...seconds), unit: 's' },
        { what: 'most memory, gateway', value: memory.peak('gateway'), unit: 'MB', target },
        { what: 'most memory, media-service', value: memory.peak('media'), unit: 'MB', target },
        { what: 'most memory, its image worker', value: memory.peak('worker'), unit: 'MB', target },
        {
          what: 'most memory of media-service after the last round, of that after the first',
          value: (held.at(-1) ?? Number.NaN) / (held[0] ?? Number.NaN),
          unit: '×',
          target: { atMost: 1.2 },
        },
        ...readings,
      ]
    } finally {
      await system?.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
}
