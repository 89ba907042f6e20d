import { chooseLocale, languages } from '../src/templates/locale.ts'
import { formatMoney } from '../src/templates/money.ts'
import { orderPlacedTexts } from '../src/templates/order-placed.ts'
import { segmentsOf } from '../src/templates/sms-length.ts'

const content = { number: 'ORD-000123', total: '56000.68', currency: 'KES' }

describe('the language of a message', () => {
  it.each([
    ['es-MX', 'en', 'es-MX', 'es'],
    ['pt-BR', 'en', 'pt-BR', 'pt'],
    ['ja', 'sw', 'sw', 'sw'],
    [null, 'fr-BE', 'fr-BE', 'fr'],
    ['ja', 'ko', 'en', 'en'],
  ])('of a customer of %s in a shop of %s is %s', (customer, shop, locale, language) => {
    expect(chooseLocale(customer, shop)).toEqual({ locale, language })
  })
})

describe('an amount', () => {
  it.each([
    ['56000.68', 'KES', 'en', 'KES 56,000.68'],
    ['99.90', 'EUR', 'de', '99,90 €'],
    ['1500', 'UGX', 'en', 'UGX 1,500'],
    ['1.250', 'KWD', 'en', 'KWD 1.250'],
    ['999999999999.99', 'EUR', 'en', '€999,999,999,999.99'],
    ['90071992547409.93', 'USD', 'en', '$90,071,992,547,409.93'],
  ])('%s %s is written exactly, in %s as %s', (amount, currency, locale, expected) => {
    expect(formatMoney(amount, currency, locale)).toBe(expected)
  })
})

describe('the confirmation of an order', () => {
  it.each(languages)('fits one or two segments in %s, whatever the name', (language) => {
    for (const name of [null, 'Ana', 'Jörg-Łukasz Ñandú', 'x'.repeat(200), '名'.repeat(60)]) {
      for (const shop of ['Duka la Mtaa', 'Łódź '.repeat(8)]) {
        const { short } = orderPlacedTexts(content, { name, shop, locale: language, language })
        expect(segmentsOf(short)).toBeLessThanOrEqual(2)
        expect(short).toContain('ORD-000123')
      }
    }
  })

  it.each(languages)('takes one segment in %s for a plain name', (language) => {
    const { short } = orderPlacedTexts(content, { name: 'Ana', shop: 'Duka', locale: language, language })
    expect(segmentsOf(short)).toBe(1)
  })

  it('leaves out line breaks and control characters of a name', () => {
    const name = 'Ana\r\nSubject: x\u2028\u0000'
    const { short, text } = orderPlacedTexts(content, { name, shop: 'Du\nka', locale: 'en', language: 'en' })
    expect(short).toMatch(/^Ana Subject: x, thank you .* Du ka$/)
    expect(text.split('\n')[0]).toBe('Hello Ana Subject: x,')
  })
})

describe('the length of a text', () => {
  it.each([
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['€'.repeat(80), 1],
    ['€'.repeat(81), 2],
    ['ł'.repeat(70), 1],
    ['ł'.repeat(71), 2],
    ['ł'.repeat(135), 3],
  ])('%#: is counted as the network does', (text, segments) => expect(segmentsOf(text)).toBe(segments))
})
