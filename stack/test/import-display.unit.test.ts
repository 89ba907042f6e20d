import { describeFile, describeResult, describeRows, describeUndo, printable } from '../src/clients/import-display.ts'

const counts = { read: 3, created: 2, updated: 0, skipped: 0, failed: 1 }
const imported = {
  format: 'csv' as const,
  sheet: null,
  sheets: [],
  encoding: 'windows-1251',
  encodingBy: 'guess' as const,
  preset: null,
  columns: ['Mail', 'Имя', 'Notes'],
  mapping: { Имя: 'name', Mail: 'email' },
  unmapped: ['Notes'],
  warnings: [
    { code: 'encoding_guessed', column: null, message: 'the file is not UTF-8' },
    { code: 'contradicted', column: 'Notes', message: 'Notes is left out, because it holds dates' },
  ],
  counts,
  errors: Array.from({ length: 12 }, (_, index) => ({
    row: index + 2,
    pointer: index === 0 ? '' : '/address/country',
    code: 'x',
    message: 'is wrong',
  })),
}

describe('What npm run import shows', () => {
  it('a guessed charset is called probable, columns are in the order of the file, and warnings follow', () => {
    expect(describeFile('people.csv', imported)).toEqual([
      'people.csv: csv, probably windows-1251',
      '  Mail → email',
      '  Имя → name',
      '  not imported: Notes',
      '  warning: the file is not UTF-8',
      '  warning: Notes is left out, because it holds dates',
    ])
    expect(describeFile('a.csv', { ...imported, encodingBy: 'valid' as const })[0]).toBe('a.csv: csv, windows-1251')
    expect(describeFile('a.csv', { ...imported, preset: 'shopify' as const })[0]).toBe(
      'a.csv: csv, probably windows-1251, exported by shopify',
    )
  })

  it('a workbook has a sheet instead of a charset', () => {
    const workbook = { ...imported, format: 'xlsx' as const, sheet: 'People', sheets: ['Cover', 'People'] }
    expect(describeFile('a.xlsx', workbook).slice(0, 2)).toEqual(['a.xlsx: xlsx', '  sheet: People (of Cover, People)'])
  })

  it('each of the first rows is a line with its fields, or with what is wrong', () => {
    const rows = [
      {
        row: 2,
        outcome: 'created' as const,
        values: { name: 'Ana', tags: ['a', 'b'], address: { city: 'Rome', country: null }, smsOptOut: true },
        errors: [],
      },
      {
        row: 3,
        outcome: 'failed' as const,
        values: {},
        errors: ['Mail is wrong', 'Name is required'].map((message) => ({ row: 3, pointer: '', code: 'x', message })),
      },
    ]
    expect(describeRows({ rows })).toEqual([
      '  row 2, new: name Ana · tags a, b · address.city Rome · smsOptOut true',
      '  row 3, failed: Mail is wrong · Name is required',
    ])
  })

  it('an undo says how many records were kept, if any', () => {
    expect(describeUndo({ removed: 2, restored: 1, kept: 0 })).toBe('undone: 2 moved to the trash, 1 restored')
    expect(describeUndo({ removed: 0, restored: 0, kept: 3 })).toBe('undone: 0 moved to the trash, 0 restored, 3 kept')
  })

  it('the counts are followed by at most ten errors', () => {
    expect(describeResult({ counts: { ...counts, read: 1 }, errors: [] })[0]).toMatch(/^1 row: 2 new/)
    const lines = describeResult(imported)
    expect(lines.slice(0, 3)).toEqual([
      '3 rows: 2 new, 0 changed, 0 skipped, 1 failed',
      '  row 2: is wrong',
      '  row 3, address/country: is wrong',
    ])
    expect(lines).toHaveLength(12)
    expect(lines.at(-1)).toBe('  …')
  })

  it('text from a file cannot control the terminal', () => {
    expect(printable('a\u001b[31mb\r\n\tc\u202e')).toBe('a?[31mb c?')
  })
})
