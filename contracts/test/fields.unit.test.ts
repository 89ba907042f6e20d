import { line, metadata, recordKey } from '@clientele/contracts/fields'
import { ImportMapping } from '@clientele/contracts/imports/import-options'
import { z } from 'zod'

const invisibleTexts = [
  '\u200b',
  '\u200b \ufeff',
  '\u2060\u00ad',
  '\u3164',
  '\u2800',
  '\u202e',
  '\ufe0f\u200d',
  '\u{e0041}',
]

describe('Lines of text', () => {
  it.each(invisibleTexts)('%j has no visible character', (text) => {
    const { error } = line(100).safeParse(text)
    expect(error?.issues.map(({ message }) => message)).toEqual(['must have a visible character'])
  })

  it.each(['Ana', '李', '😀', '👩\u200d👧', '\u200fعلي', 'a\u200b', '.', '\u0e33'])('%j is visible', (text) => {
    expect(line(100).parse(` ${text} `)).toBe(text)
  })

  it('an empty line has one error', () => {
    expect(line(100).safeParse(' ').error?.issues).toHaveLength(1)
  })

  it.each([
    ['a line', line(5)],
    ['a key', recordKey(5)],
  ])('the documented pattern of %s says the same for every character', (_what, schema) => {
    const { pattern } = z.toJSONSchema(schema) as { pattern: string }
    const documented = new RegExp(pattern)
    const characters = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code))
    const differing = characters.filter(
      (text) => text.isWellFormed() && documented.test(text) !== schema.safeParse(text).success,
    )
    expect(differing).toEqual([])
  })
})

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
