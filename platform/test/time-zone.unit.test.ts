import { startOfDay, wallTime } from '@clientele/platform/runtime/time-zone'

it.each([
  ['2026-03-27T22:00:00Z', 'Africa/Nairobi', '2026-03-28T01:00:00.000Z'],
  ['2026-07-01T00:00:00Z', 'America/New_York', '2026-06-30T20:00:00.000Z'],
  ['2026-01-01T00:00:00Z', 'Asia/Kathmandu', '2026-01-01T05:45:00.000Z'],
  ['1800-01-01T00:00:00Z', 'America/New_York', '1799-12-31T19:03:58.000Z'],
  ['2026-01-01T00:00:00Z', 'UTC', '2026-01-01T00:00:00.000Z'],
])('at %s clocks in %s show %s', (at, zone, expected) =>
  expect(wallTime(new Date(at), zone).toISOString()).toBe(expected),
)

it.each([
  ['2026-03-28', 'UTC', '2026-03-28T00:00:00.000Z'],
  ['2026-03-28', 'Africa/Nairobi', '2026-03-27T21:00:00.000Z'],
  ['2026-03-08', 'America/New_York', '2026-03-08T05:00:00.000Z'],
  ['2026-03-09', 'America/New_York', '2026-03-09T04:00:00.000Z'],
  ['2026-11-02', 'America/New_York', '2026-11-02T05:00:00.000Z'],
  ['2026-03-29', 'Pacific/Auckland', '2026-03-28T11:00:00.000Z'],
  // Clocks jump from 00:00 to 01:00.
  ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00.000Z'],
  ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
])('%s in %s begins at %s', (day, zone, expected) => expect(startOfDay(day, zone).toISOString()).toBe(expected))
