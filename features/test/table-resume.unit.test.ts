import fc from 'fast-check'
import { cellText } from '../src/tables/cell.ts'
import { detectTable } from '../src/tables/format-detection.ts'
import type { Row, TableFormat } from '../src/tables/row.ts'
import { createTableEncoder } from '../src/tables/writer.ts'
import { readAll } from './table-files.ts'

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    '',
    '=1+1',
    "'=1",
    '+254711000111',
    '-5',
    '"',
    '""',
    'a,b;c\t',
    'x\r\ny',
    '\r',
    "''+",
    '\uFEFF',
    '{}[]:,"\\',
  ),
)
const clean = text.map((value) => value.replaceAll('\0', '').toWellFormed())
const rows = fc.array(fc.record({ a: clean, b: clean, c: clean }), { minLength: 1, maxLength: 12 })
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
const written = fc.constantFrom<'csv' | 'json' | 'ndjson'>('csv', 'json', 'ndjson')

const fileOf = (table: Record<string, unknown>[], format: 'csv' | 'json' | 'ndjson', delimiter = ','): Buffer => {
  const encoder = createTableEncoder({ format, columns: ['a', 'b', 'c'], delimiter })
  return Buffer.from(encoder.head + encoder.rows(table, true) + encoder.tail)
}
const contents = (read: Row[]) => read.map(({ values, number }) => [number, { ...values }])

const csv = (delimiter: string): TableFormat => ({
  format: 'csv',
  delimiter,
  quote: '"',
  newline: '\n',
  skipRows: 1,
  columns: ['a', 'b', 'c'],
})

describe('Tables in chunks of any size', () => {
  it('a table is read as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        written,
        fc.constantFrom(',', ';', '\t', '|'),
        sizes,
        async (table, name, delimiter, at) => {
          const bytes = fileOf(table, name, delimiter)
          const format = name === 'csv' ? csv(delimiter) : { format: name }
          const read = await readAll(bytes, format, { sizes: at, limits: { blockBytes: 1, batchRows: 3 } })
          // A blank row of CSV is no row.
          const isBlank = (row: object) => Object.values(row).every((cell) => cellText(cell).trim() === '')
          const expected = name === 'csv' ? table.filter((row) => !isBlank(row)) : table
          expect(read.map(({ values }) => ({ ...values }))).toEqual(expected)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('reading continues after any row without repeating or losing one', async () => {
    await fc.assert(
      fc.asyncProperty(rows, written, sizes, async (table, name, at) => {
        const bytes = fileOf(table, name)
        const format = name === 'csv' ? csv(',') : { format: name }
        const whole = contents(await readAll(bytes, format))
        for (const { end, number } of await readAll(bytes, format, { sizes: at })) {
          const from = JSON.parse(JSON.stringify(end))
          const rest = await readAll(bytes, format, { sizes: at, from, limits: { blockBytes: 1 } })
          expect(contents(rest)).toEqual(whole.filter(([row]) => (row as number) > number))
        }
      }),
      { numRuns: 100 },
    )
  })

  it('random input gives the same rows or the same error in any chunks and from any row', async () => {
    const pieces = fc.constantFrom(
      '"',
      ',',
      '\n',
      '\r\n',
      'a',
      '\0',
      '{',
      '}',
      '[',
      ']',
      '"a":1',
      ':',
      '\\',
      ' ',
      'é',
      '\u{1F600}',
    )
    const outcome = async (bytes: Buffer, format: TableFormat, options: Parameters<typeof readAll>[2]) => {
      const read: Row[] = []
      try {
        read.push(...(await readAll(bytes, format, options)))
      } catch (error) {
        return String(error)
      }
      return read.map(({ number, end, error, values }) => [number, end, error?.code, { ...values }])
    }
    const formats = [csv(','), { format: 'json' } as const, { format: 'ndjson' } as const]
    await fc.assert(
      fc.asyncProperty(
        fc.array(pieces, { maxLength: 40 }),
        fc.constantFrom(...formats),
        sizes,
        async (parts, format, at) => {
          const bytes = Buffer.from(parts.join(''))
          const limits = { rowBytes: 1000 }
          const whole = await outcome(bytes, format, { limits })
          expect(await outcome(bytes, format, { limits: { ...limits, blockBytes: 1 }, sizes: at })).toEqual(whole)
          if (typeof whole === 'string') return
          for (const [index, [, from]] of whole.entries())
            expect(await outcome(bytes, format, { from: from as Row['end'], sizes: at })).toEqual(
              whole.slice(index + 1),
            )
        },
      ),
      { numRuns: 500 },
    )
  })

  it('an exported table is detected with its format and columns', () => {
    for (const format of ['csv', 'json', 'ndjson'] as const) {
      const found = detectTable(fileOf([{ a: '+254711000111', b: 'x', c: 'y' }], format), true)
      expect(found).toMatchObject({ columns: ['a', 'b', 'c'], format: { format } })
    }
  })
})
