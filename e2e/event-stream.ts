import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { eventually } from '@clientele/platform/testing/wait'

type StreamedEvent = { id: string; type: string; subject: string }

/** Opens a live stream, with a connection of its own. */
export const openEventStream = async (baseUrl: string, token: string, query = '') => {
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` }
  const sent = request(`${baseUrl}/v1/events/stream${query}`, { agent: false, headers }).end()
  const [response] = (await once(sent, 'response', { signal: AbortSignal.timeout(20_000) })) as [IncomingMessage]
  sent.on('error', () => {})
  let text = ''
  let ended = false
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  response
    .on('error', () => {})
    .once('close', () => {
      ended = true
    })
  const events = (): StreamedEvent[] =>
    [...text.matchAll(/^data: (\{"specversion".*\})$/gm)].map(([, json = '']) => JSON.parse(json) as StreamedEvent)
  return {
    status: response.statusCode,
    headers: response.headers,
    text: () => text,
    events,
    hasEnded: () => ended,
    /** Waits for an event about a record. */
    until: (subject: string, timeoutMs = 10_000) =>
      eventually(
        () => {
          const found = events().find((event) => event.subject === subject)
          if (!found) throw new Error(`no event of ${subject} among ${events().length}`)
          return found
        },
        { timeoutMs, everyMs: 10 },
      ),
    close: () => sent.destroy(),
  }
}
