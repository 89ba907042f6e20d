/**
 * Returns a time whose UTC fields are those that clocks in the time zone show at `at`.
 * @example wallTime(new Date('2026-03-27T22:00:00Z'), 'Africa/Nairobi') // 2026-03-28T01:00:00Z
 */
export const wallTime = (at: Date, timeZone: string): Date => new Date(at.getTime() + offsetMs(at, timeZone))

/** Returns the first instant of a day, such as `2026-03-28`, in a time zone. */
export const startOfDay = (day: string, timeZone: string): Date => {
  const wall = Date.parse(`${day}T00:00:00Z`)
  // The offset is that of the result, and is looked up by a guess first. Clocks change by a few hours at most.
  const guess = wall - offsetMs(new Date(wall), timeZone)
  const start = wall - offsetMs(new Date(guess), timeZone)
  // At midnight of some days clocks jump to 01:00, which is then the beginning of the day.
  return new Date(wallTime(new Date(start), timeZone).getTime() < wall ? Math.max(guess, start) : start)
}

const offsetMs = (at: Date, timeZone: string): number => {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(name) ?? []
  const ms = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000
  return sign === '-' ? -ms : ms
}
