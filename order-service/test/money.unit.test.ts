import { currencyDecimals, fromMinor, isCurrency, toMinor } from '../src/money.ts'

describe('Amounts of money', () => {
  it.each([
    ['EUR', 2],
    ['KES', 2],
    ['JPY', 0],
    ['ISK', 0],
    ['UGX', 0],
    ['KWD', 3],
    ['CLF', 4],
    ['HUF', 2],
    ['AFN', 2],
  ])('the currency %s has %i decimals (ISO 4217)', (currency, decimals) => {
    expect(currencyDecimals(currency)).toBe(decimals)
  })

  it('the currencies of today are taken, and withdrawn ones are not, but can still be read', () => {
    for (const code of ['EUR', 'VED', 'VES', 'SLE', 'ZWG', 'XCG', 'UYW', 'JPY'])
      expect([code, isCurrency(code)]).toEqual([code, true])
    for (const code of ['HRK', 'ZWL', 'SLL', 'ANG', 'BGN', 'CUC', 'XAU', 'XXX'])
      expect([code, isCurrency(code)]).toEqual([code, false])
    expect([currencyDecimals('HRK'), toMinor('1.5', 'BGN'), fromMinor(150n, 'ZWL')]).toEqual([2, 150n, '1.50'])
  })

  it.each(['XYZ', '', 'eur', 'EURO', '__proto__'])('%j is not a currency', (text) => {
    expect(currencyDecimals(text)).toBeUndefined()
    expect(() => toMinor('1', text)).toThrow(RangeError)
    expect(() => fromMinor(1n, text)).toThrow(RangeError)
  })

  it.each([
    ['56000.68', 'EUR', 5_600_068n, '56000.68'],
    ['2.2', 'EUR', 220n, '2.20'],
    ['0.07', 'EUR', 7n, '0.07'],
    ['2.2000', 'EUR', 220n, '2.20'],
    ['5', 'JPY', 5n, '5'],
    ['5.00', 'JPY', 5n, '5'],
    ['0', 'KWD', 0n, '0.000'],
    ['999999999999.9999', 'CLF', 9_999_999_999_999_999n, '999999999999.9999'],
  ])('%s %s is %s in minor units, and converts back', (text, currency, minor, shown) => {
    expect(toMinor(text, currency)).toBe(minor)
    expect(fromMinor(minor, currency)).toBe(shown)
  })

  it('toMinor returns undefined for more decimals than the currency has', () => {
    expect(toMinor('2.205', 'EUR')).toBeUndefined()
    expect(toMinor('2.5', 'JPY')).toBeUndefined()
  })

  it('sums in minor units are exact where floating-point sums are not', () => {
    const tenth = toMinor('0.1', 'EUR') ?? 0n
    expect(fromMinor(tenth * 3n, 'EUR')).toBe('0.30')
    expect(fromMinor((toMinor('999999999999.99', 'EUR') ?? 0n) * 1_000_000n, 'EUR')).toBe('999999999999990000.00')
  })
})
