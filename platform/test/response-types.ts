// Checked by `tsc -p .`: the declared responses determine what a handler may return, so each `@ts-expect-error` must suppress an error.
import { DuplicateBody } from '@clientele/contracts/problem'
import {
  type Api,
  accepted,
  created,
  multiStatus,
  noContent,
  ok,
  redirect,
  streamed,
} from '@clientele/platform/http/api'
import { z } from 'zod'

const Thing = z.object({
  id: z.string(),
  size: z.number().optional(),
  shape: z.enum(['round', 'flat']).default('flat'),
})
const thing = { id: 'a', shape: 'round' as const }
const duplicate: z.output<typeof DuplicateBody> = {
  type: '/problems/duplicate',
  title: '',
  status: 409,
  code: 'duplicate',
}

const shared = {
  method: 'post',
  path: '/v1/things',
  operationId: 'things',
  summary: '',
  tag: '',
  roles: 'public',
} as const
const two = { ...shared, responses: { 200: Thing, 201: Thing, 409: DuplicateBody } }
const bodiless = { ...shared, responses: { 200: null, 204: null, 302: null } }

export const declaredResponses = (api: Api): void => {
  api.operation(two, async () => ok(thing))
  api.operation(two, async () => created({ ...thing, size: 1 }, '/v1/things/a'))
  api.operation(two, async ({ req }) => (req.complete ? ok(thing) : created(thing, '/v1/things/a')))
  api.operation(bodiless, async () => noContent())
  api.operation(bodiless, async () => ok(undefined))
  api.operation(bodiless, async ({ req }) => (req.complete ? redirect('/') : streamed(async (res) => void res.end())))
}

export const wrongBodies = (api: Api): void => {
  // @ts-expect-error a body that does not match its schema
  api.operation(two, async () => ok({ nonsense: 1 }))
  // @ts-expect-error a missing field
  api.operation(two, async () => ok({ id: 'a' }))
  // @ts-expect-error a field of another type
  api.operation(two, async () => ok({ ...thing, size: '1' }))
  // @ts-expect-error a missing body
  api.operation(two, async () => ok(undefined))
  // @ts-expect-error one of two possible bodies does not match
  api.operation(two, async ({ req }) => ok(req.complete ? thing : null))
  // @ts-expect-error a body where none is declared
  api.operation(bodiless, async () => ok(thing))
  // @ts-expect-error a stream where a body is declared
  api.operation(two, async () => streamed(async (res) => void res.end()))
}

export const undeclaredStatuses = (api: Api): void => {
  // @ts-expect-error 202 is not declared
  api.operation(two, async () => accepted(thing, '/v1/things/a'))
  // @ts-expect-error 204 is not declared
  api.operation(two, async () => noContent())
  // @ts-expect-error 207 instead of 200 in one of two cases
  api.operation(two, async ({ req }) => (req.complete ? ok(thing) : multiStatus(thing)))
  // @ts-expect-error a problem is thrown, not returned
  api.operation(two, async () => ({ status: 409 as const, body: duplicate, headers: {} }))
}
