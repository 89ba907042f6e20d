import { chooseLocale, languages } from '../src/templates/locale.ts'
import { formatMoney, formatSmsMoney } from '../src/templates/money.ts'
import { renderOrderPlaced } from '../src/templates/order-placed.ts'
import { countSegments, toPlainText } from '../src/templates/sms-text.ts'

const content = { number: 'ORD-000123', total: '56000.68', currency: 'KES' }

describe('The language of a message', () => {
  it.each([
    ['es-MX', 'en', 'es-MX', 'es'],
    ['pt-BR', 'en', 'pt-BR', 'pt'],
    ['ja', 'sw', 'sw', 'sw'],
    [null, 'fr-BE', 'fr-BE', 'fr'],
    ['ja', 'ko', 'en', 'en'],
  ])(
    'a message to a customer with locale %s in a shop with %s is written in %s',
    (customer, shop, locale, language) => {
      expect(chooseLocale(customer, shop)).toEqual({ locale, language })
    },
  )
})

describe('Formatted amounts', () => {
  it.each([
    ['56000.68', 'KES', 'en', 'KES 56,000.68'],
    ['99.90', 'EUR', 'de', '99,90 €'],
    ['1500', 'UGX', 'en', 'UGX 1,500'],
    ['1.250', 'KWD', 'en', 'KWD 1.250'],
    ['999999999999.99', 'EUR', 'en', '€999,999,999,999.99'],
    ['90071992547409.93', 'USD', 'en', '$90,071,992,547,409.93'],
  ])('%s %s is formatted exactly in %s, as %s', (amount, currency, locale, expected) => {
    expect(formatMoney(amount, currency, locale)).toBe(expected)
  })
})

describe('The confirmation of an order', () => {
  it.each(languages)('the SMS in %s has at most two segments, whatever the name', (language) => {
    for (const name of [null, 'Ana', 'Jörg-Łukasz Ñandú', 'x'.repeat(200), '名'.repeat(60)]) {
      for (const shop of ['Duka la Mtaa', 'Łódź '.repeat(8)]) {
        const { sms } = renderOrderPlaced(content, { name, shop, locale: language, language })
        expect(countSegments(sms)).toBeLessThanOrEqual(2)
        expect(sms).toContain('ORD-000123')
      }
    }
  })

  it.each(languages)('the SMS in %s has one segment for a short name', (language) => {
    const { sms } = renderOrderPlaced(content, { name: 'Ana', shop: 'Duka', locale: language, language })
    expect(countSegments(sms)).toBe(1)
  })

  it.each([
    'evil.example/p',
    'Call +254700000001',
    'ana@example.com',
    'www evil',
    'Prize! ｅｖｉｌ．ｅｘａｍｐｌｅ',
    '\\\\host',
  ])('the name %s, which could be read as an address, is left out of SMS and e-mail', (name) => {
    const { sms, text } = renderOrderPlaced(content, { name, shop: 'Duka', locale: 'en', language: 'en' })
    expect(sms).toBe('Thank you for your order ORD-000123: KES 56,000.68. Duka')
    expect(text).toMatch(/^Hello,\n/)
  })

  it.each(['Ana', "Nga'ang'a", 'Jean-Luc', 'María José', 'J. R. Omondi', 'Müller & Sohn'])(
    'the name %s is in SMS and e-mail',
    (name) => {
      const { sms, text } = renderOrderPlaced(content, { name, shop: 'Duka', locale: 'en', language: 'en' })
      expect(sms).toContain(`${name}, thank you`)
      expect(text).toContain(`Hello ${name},`)
    },
  )

  it('line breaks and control characters of a name are removed', () => {
    const name = 'Ana\r\nSubject: x\u2028\u0000'
    const { sms, text } = renderOrderPlaced(content, { name, shop: 'Du\nka', locale: 'en', language: 'en' })
    expect(sms).toMatch(/^Ana Subject: x, thank you .* Du ka$/)
    expect(text.split('\n')[0]).toBe('Hello Ana Subject: x,')
  })
})

describe('An SMS with characters outside the GSM alphabet', () => {
  const render = (total: string, currency: string, locale: string, name: string | null, shop: string) =>
    renderOrderPlaced({ number: 'ORD-000123', total, currency }, { name, shop, locale, language: 'en' })

  it.each([
    ['en-NG', 'NGN', 'NGN 56,000.68', '₦56,000.68'],
    ['en-GH', 'GHS', 'GHS 56,000.68', 'GH₵56,000.68'],
    ['en-IN', 'INR', 'INR 56,000.68', '₹56,000.68'],
    ['en-KE', 'KES', 'Ksh 56,000.68', 'Ksh 56,000.68'],
    ['en', 'EUR', '€56,000.68', '€56,000.68'],
  ])('the amount in %s %s is %s in the SMS, and %s in the e-mail', (locale, currency, inSms, inMail) => {
    const { sms, text } = render('56000.68', currency, locale, 'Ana', 'Duka')
    expect(formatSmsMoney('56000.68', currency, locale)).toBe(inSms)
    expect(sms).toBe(`Ana, thank you for your order ORD-000123: ${inSms}. Duka`)
    expect(text).toContain(`Its total is ${inMail}.`)
    expect(countSegments(sms)).toBe(1)
  })

  it('typographic signs become plain ones in the SMS, and stay in the e-mail', () => {
    const { sms, text } = render('1.00', 'USD', 'en', 'D’Arcy', 'Joe’s “Best” – Tea…')
    expect(sms).toBe('D\'Arcy, thank you for your order ORD-000123: $1.00. Joe\'s "Best" - Tea...')
    expect(countSegments(sms)).toBe(1)
    expect(text).toContain('Joe’s “Best” – Tea…')
    expect(toPlainText('a\u00a0b\u202fc\u2011d\u2212e')).toBe('a b c-d-e')
  })

  it('a name that costs a segment is left out, and one that does not is in the SMS', () => {
    const shop = 'The Tea House of Nairobi West'
    expect(render('56000.68', 'KES', 'en', 'María', shop).sms).toMatch(/^Thank you/)
    expect(render('56000.68', 'KES', 'en', 'Maria', shop).sms).toMatch(/^Maria, thank you/)
    expect(render('56000.68', 'KES', 'en', 'María', 'Duka').sms).toMatch(/^María, thank you/)
  })
})

describe('The length of an SMS', () => {
  it.each([
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['€'.repeat(80), 1],
    ['€'.repeat(81), 2],
    ['ł'.repeat(70), 1],
    ['ł'.repeat(71), 2],
    ['ł'.repeat(135), 3],
    ['ç'.repeat(71), 2],
    ['Ç'.repeat(160), 1],
    // A character of the extension table is never split over two segments.
    [`${'a'.repeat(152)}€${'a'.repeat(152)}`, 3],
  ])('SMS %# has as many segments as the network counts', (text, segments) =>
    expect(countSegments(text)).toBe(segments),
  )
})
