import { type Audience, isVisible } from '../src/access/visible-events.ts'

const user: Audience = { userId: 'u1', isAdmin: false }
const admin: Audience = { userId: 'u2', isAdmin: true }
const event = (type: string, subject = 's1', actorId: string | null = 'u9') => ({ type, subject, actorId })

it.each([
  ['customer.updated.v1', true],
  ['order.placed.v1', true],
  ['product.stock_low.v1', true],
  ['notification.sent.v1', true],
  ['media.stored.v1', true],
  ['import.finished.v1', false],
  ['user.updated.v1', false],
  ['audit.redacted.v1', false],
  ['webhook.paused.v1', false],
  ['robot.walked.v3', false],
  ['constructor.called.v1', false],
  ['customers.listed.v1', false],
  ['', false],
])('a user may know of %s: %s', (type, expected) => {
  expect(isVisible(event(type), user)).toBe(expected)
  expect(isVisible(event(type), admin)).toBe(true)
})

it('a user may know of own imports and the own account', () => {
  expect(isVisible(event('import.finished.v1', 's1', 'u1'), user)).toBe(true)
  expect(isVisible(event('import.finished.v1', 'u1', null), user)).toBe(false)
  expect(isVisible(event('user.role_revoked.v1', 'u1'), user)).toBe(true)
  expect(isVisible(event('user.updated.v1', 's1', 'u1'), user)).toBe(false)
})
