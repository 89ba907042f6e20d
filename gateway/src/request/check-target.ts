import type { IncomingMessage } from 'node:http'
import { Problem } from '@clientele/platform/runtime/problem'
import type { RequestHandler } from 'express'
import { stateOf } from './request-state.ts'
import { parseTarget } from './request-target.ts'

const hasOneHost = ({ rawHeaders }: IncomingMessage): boolean => {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  return hosts <= 1
}

/** Refuses requests with an ambiguous target or more than one Host header. */
export const checkTarget: RequestHandler = (req, res, next) => {
  if (!hasOneHost(req)) throw new Problem('malformed', { detail: 'there is more than one Host header' })
  stateOf(res).target = parseTarget(req.url)
  next()
}
