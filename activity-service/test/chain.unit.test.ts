import { type Chained, hashBody, hashEvent } from '../src/events/chain.ts'

const event: Chained = {
  seq: 7,
  at: new Date('2026-11-20T09:30:00.123Z'),
  eventId: '0190a5c4-6f00-7000-8000-000000000001',
  type: 'customer.created.v1',
  subject: '0190a5c4-6f00-7000-8000-000000000002',
  actorId: null,
  version: 1,
  about: null,
  bodyHash: hashBody(Buffer.alloc(16), '{}'),
}
const previous = Buffer.alloc(32)
const hash = (change: Partial<Chained> = {}) => hashEvent(previous, { ...event, ...change }).toString('hex')

it.each([
  ['seq', { seq: 8 }],
  ['at', { at: new Date('2026-11-20T09:30:00.124Z') }],
  ['eventId', { eventId: '0190a5c4-6f00-7000-8000-000000000003' }],
  ['type', { type: 'customer.updated.v1' }],
  ['subject', { subject: '' }],
  ['actorId', { actorId: '' }],
  ['version', { version: null }],
  ['about', { about: '' }],
  ['bodyHash', { bodyHash: hashBody(Buffer.alloc(16, 1), '{}') }],
])('the hash of an event covers %s', (_name, change) => {
  expect(hash(change)).not.toBe(hash())
})

it('the hash of an event covers the hash before it', () => {
  expect(hashEvent(Buffer.alloc(32, 1), event).toString('hex')).not.toBe(hash())
})

it('tells apart fields that are the same when joined', () => {
  expect(hash({ type: 'ab', subject: 'c' })).not.toBe(hash({ type: 'a', subject: 'bc' }))
})

it('gives the same hash as in earlier releases', () => {
  expect(hash()).toBe('9d0d4e9f20436eea3295a3604c2fa45a5a49632764238a694902bd07a71d3d9b')
})
