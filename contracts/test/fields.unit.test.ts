import { metadata } from '@clientele/contracts/fields'
import { ImportMapping } from '@clientele/contracts/import'

const recordOf = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key ${index}`, value]))

const limits = [
  { name: 'metadata', schema: metadata, max: 50, message: 'must have at most 50 keys' },
  { name: 'the mapping of an import', schema: ImportMapping, max: 1_000, message: 'must have at most 1,000 columns' },
]

describe('Records with a limit of keys', () => {
  it.each(limits)('$name accepts $max keys and not one more', ({ schema, max, message }) => {
    expect(schema.safeParse(recordOf(max, 'x'))).toMatchObject({ success: true, data: recordOf(max, 'x') })
    const issues = schema.safeParse(recordOf(max + 1, 'x')).error?.issues
    expect(issues?.map((issue) => issue.message)).toEqual([message])
  })

  it.each(limits)('$name with 70,000 invalid values is refused within 30 ms of CPU time', ({ schema, message }) => {
    const hostile = recordOf(70_000, [])
    const durations = Array.from({ length: 10 }, () => {
      const from = process.cpuUsage()
      expect(schema.safeParse(hostile).error?.issues.map((issue) => issue.message)).toEqual([message])
      const { user, system } = process.cpuUsage(from)
      return (user + system) / 1_000
    })
    // The best of ten: the garbage collector uses CPU time as well.
    expect(Math.min(...durations)).toBeLessThan(30)
  })
})
