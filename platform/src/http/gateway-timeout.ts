import type { IncomingMessage } from 'node:http'

/** The header in which the gateway says after how many milliseconds it gives up on a response. Clients cannot set it. */
export const gatewayTimeoutHeader = 'x-clientele-timeout-ms'

const defaultTimeoutMs = 30_000
const maxTimeoutMs = 600_000

/**
 * Returns the time, as {@link performance.now} has it, after which a request with many items must begin no further one: half of
 * the gateway's timeout from now. The other half is for the item that was begun last, and for the response. Call it once the body
 * has been read.
 */
export const timeToStop = ({ headers }: IncomingMessage): number => {
  const timeoutMs = Number(headers[gatewayTimeoutHeader])
  return performance.now() + (timeoutMs > 0 ? Math.min(timeoutMs, maxTimeoutMs) : defaultTimeoutMs) / 2
}
