import type { IncomingMessage } from 'node:http'
import { Problem } from '@clientele/platform/runtime/problem'
import type { RequestHandler } from 'express'
import { stateOf } from './request-state.ts'
import { parseTarget } from './request-target.ts'

/** Node reads the first of these headers and ignores others; a service behind the gateway might not. */
const singleHeaders = new Set(['host', 'authorization'])

const repeatedHeader = ({ rawHeaders }: IncomingMessage): string | undefined => {
  const seen: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (!singleHeaders.has(name)) continue
    if (seen.includes(name)) return name
    seen.push(name)
  }
  return undefined
}

/** Rejects requests with an ambiguous target, or with more than one Host or Authorization header. */
export const checkTarget: RequestHandler = (req, res, next) => {
  const repeated = repeatedHeader(req)
  if (repeated !== undefined) throw new Problem('malformed', { detail: `the ${repeated} header is repeated` })
  stateOf(res).target = parseTarget(req.url)
  next()
}
