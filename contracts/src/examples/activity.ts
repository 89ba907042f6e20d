import { actor, customerId } from './shared.ts'

const eventId = '0190a5c4-6f00-7000-8000-0000000000e1'
const hash = '9d0d4e9f20436eea3295a3604c2fa45a5a49632764238a694902bd07a71d3d9b'
const at = '2026-11-21T14:05:12.345Z'

const event = {
  specversion: '1.0',
  id: eventId,
  source: '/customer-service',
  type: 'customer.updated.v1',
  subject: customerId,
  time: at,
  datacontenttype: 'application/json',
  data: {
    id: customerId,
    code: 'CUS-000123',
    name: 'Ana',
    surname: 'Lovelace',
    version: 2,
    actor,
    changed: ['surname'],
    previous: { surname: 'Byron' },
  },
  seq: 48_211,
}
const recorded = {
  id: eventId,
  seq: 48_211,
  type: 'customer.updated.v1',
  at,
  actor,
  subject: customerId,
  changes: [{ field: 'surname', from: 'Byron', to: 'Lovelace' }],
  about: { kind: 'customer', id: customerId, label: 'Ana Lovelace', code: 'CUS-000123' },
  redacted: false,
}
const end = { seq: 48_211, hash, recordedAt: '2026-11-21T14:05:12.361Z' }

/** Examples of the timeline, the audit and the feed. */
export const activityExamples: Record<string, unknown> = {
  RecordedEvent: recorded,
  AuditedEvent: { ...recorded, event, recordedAt: end.recordedAt, chain: 'lasting', bodyHash: hash, hash },
  EventFeed: { data: [event], page: { limit: 50, nextCursor: '48211', hasMore: false } },
  ChainHeads: { lasting: end, passing: { ...end, seq: 48_210 } },
  ChainCheck: { from: 1, to: 48_211, checked: 48_211, redacted: 12, ok: true, firstBroken: null, reason: null },
}
