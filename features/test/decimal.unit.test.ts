import { findPointOfThousands, hasDecimalComma, parseDecimal } from '../src/imports/decimal.ts'

describe('Numbers in text', () => {
  it.each([
    ['1,50', 'comma', '1.50'],
    ['1.234,50', 'comma', '1234.50'],
    ['1 234,50', 'comma', '1234.50'],
    ["1'234,50", 'comma', '1234.50'],
    ['1’234’567,5', 'comma', '1234567.5'],
    ['1\u202f234,50', 'comma', '1234.50'],
    ['1.234', 'comma', '1234'],
    ['1.234.567', 'comma', '1234567'],
    ['-1.234,5', 'comma', '-1234.5'],
    [' 12 ', 'comma', '12'],
    ['1,234.50', 'point', '1234.50'],
    ['1,234,567', 'point', '1234567'],
    ['1 234.50', 'point', '1234.50'],
    ["1'234", 'point', '1234'],
    ['1.234', 'point', '1.234'],
    ['1.50', 'point', '1.50'],
  ] as const)('%j with a decimal %s is %s', (text, mark, value) => expect(parseDecimal(text, mark)).toEqual({ value }))

  it.each([
    ['1,50', 'point', 'is 1,50, but the decimal mark is a point; write 1.50, or set `decimal` to `comma`'],
    ['1.234,50', 'point', 'is 1.234,50, but the decimal mark is a point; write 1234.50, or set `decimal` to `comma`'],
    ['1.50', 'comma', 'is 1.50, but the decimal mark is a comma; write 1,50, or set `decimal` to `point`'],
    ['1,234.50', 'comma', 'is 1,234.50, but the decimal mark is a comma; write 1234,50, or set `decimal` to `point`'],
    ['1,234', 'point', 'is 1,234, which can be 1234 or 1.234; write it so, or set `decimal` to `comma`'],
  ] as const)('%j with a decimal %s is refused with the right way to write it', (text, mark, message) =>
    expect(parseDecimal(text, mark)).toEqual({ message }),
  )

  it.each(['', 'free', '1,23,4', '12.34.5', '1,2345.6', "1'23", '1.234 567', '--1', '1e5', '1,5,0', '½'])(
    '%j is no number and stays as it is',
    (text) => {
      for (const mark of ['point', 'comma'] as const) expect(parseDecimal(text, mark)).toEqual({ value: text })
    },
  )

  it('a decimal comma is seen, also beside a currency', () => {
    const yes = ['1,50', '1.234,5', '€ 1,50', '1 234,50 EUR', '-0,99']
    const no = ['1.50', '1,234', '1,234.50', '12', '1,2,3', 'a,b', '']
    expect([yes.filter(hasDecimalComma), no.filter(hasDecimalComma)]).toEqual([yes, []])
  })

  it('points that can separate thousands are found, unless a value has other decimals', () => {
    expect(findPointOfThousands(['12', '1.500', '€ 2.000'])).toBe('1.500')
    for (const texts of [['1.500', '2.5'], ['0.500'], ['12'], ['1.2345'], []])
      expect(findPointOfThousands(texts)).toBeUndefined()
  })
})
