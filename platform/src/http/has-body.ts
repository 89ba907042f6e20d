import type { IncomingMessage } from 'node:http'

/** Whether a request has a body (RFC 9112, section 6). It may not have arrived yet. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
