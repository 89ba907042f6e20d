import { lastNight } from '../src/audit/nightly-check.ts'
import { isOver } from '../src/retention/retention.ts'

it.each([
  ['2026-01-01', 1, '2026-02-28T23:59:59Z', false],
  ['2026-01-01', 1, '2026-03-01T00:00:00Z', false],
  // The feed may still have events of 31 January.
  ['2026-01-01', 1, '2026-03-03T23:59:59Z', false],
  ['2026-01-01', 1, '2026-03-04T00:00:00Z', true],
  ['2026-01-01', 13, '2027-02-28T23:59:59Z', false],
  ['2026-01-01', 13, '2027-03-01T00:00:00Z', true],
  ['2026-01-01', undefined, '2099-01-01T00:00:00Z', false],
])('%s, kept for %s months, is over at %s: %s', (month, keep, now, expected) => {
  expect(isOver(new Date(month), keep, new Date(now))).toBe(expected)
})

it.each([
  ['2026-12-01T01:59:59Z', '2026-11-30T02:00:00Z'],
  ['2026-12-01T02:00:00Z', '2026-12-01T02:00:00Z'],
  ['2026-12-01T23:00:00Z', '2026-12-01T02:00:00Z'],
])('at %s, the last night was %s', (now, expected) => {
  expect(lastNight(new Date(now))).toEqual(new Date(expected))
})
