import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { createFrameReader } from '@clientele/platform/testing/event-frames'

/** A client that reads all events of the product, and continues where it was after every failure. */
export type EventReader = {
  name: string
  /** The ids of the events in the order in which they were read. */
  ids: readonly string[]
  /** Waits until it has read that many events, at most 60 s, and stops it. */
  finish(count: number): Promise<void>
}

const retryMs = 300

/** Runs `read` again and again until the reader is finished. */
const runReader = (name: string, ids: string[], read: (signal: AbortSignal) => Promise<void>): EventReader => {
  const stopping = new AbortController()
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await read(stopping.signal).catch(() => {})
      await pause(retryMs, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }
  const running = run()
  return {
    name,
    ids,
    finish: async (count) => {
      for (const until = Date.now() + 60_000; ids.length < count && Date.now() < until; ) await pause(100)
      stopping.abort()
      await running
    },
  }
}

type Page = { data: { id: string }[]; page: { nextCursor: string; hasMore: boolean } }

/** Reads the feed page by page. */
export const feedReader = (gateway: string, token: string): EventReader => {
  const ids: string[] = []
  let cursor = '0'
  return runReader('feed', ids, async (signal) => {
    const response = await fetch(`${gateway}/v1/events?limit=200&cursor=${cursor}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(20_000)]),
    })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const { data, page } = (await response.json()) as Page
    ids.push(...data.map(({ id }) => id))
    cursor = page.nextCursor
  })
}

/** Reads the live stream of one gateway, with the events of imports. */
export const streamReader = (name: string, gateway: string, token: string): EventReader => {
  const ids: string[] = []
  let lastEventId = '0'
  return runReader(name, ids, async (signal) => {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'last-event-id': lastEventId }
    const sent = request(`${gateway}/v1/events/stream?bulk=true`, { headers, signal, agent: false, timeout: 30_000 })
    sent.on('timeout', () => sent.destroy()).end()
    const [response] = (await once(sent, 'response', { signal })) as [IncomingMessage]
    if (response.statusCode !== 200) {
      response.resume()
      throw new Error(`status ${response.statusCode}`)
    }
    const readFrames = createFrameReader()
    for await (const chunk of response.setEncoding('utf8')) {
      for (const { id, event, data } of readFrames(chunk)) {
        if (id === undefined || data === undefined) continue
        lastEventId = id
        ids.push(event === undefined ? (JSON.parse(data) as { id: string }).id : `${event} at ${id}`)
      }
    }
  })
}
