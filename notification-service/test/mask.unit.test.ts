import { maskAddress, maskText } from '../src/notifications/notification.presenter.ts'

describe('Texts as users see them', () => {
  it.each([
    ['Your code is 4711, Ana.', 'Your code is ***, Ana.'],
    ['Call +254 711 000 111!', 'Call *** *** *** ***!'],
    ['Write to ana@example.com; thanks', 'Write to ***; thanks'],
    ['See https://duka.example/reset?token=abc', 'See ***'],
    ['Pay KES 56,000.68.\n\nDuka', 'Pay KES ***.\n\nDuka'],
    ['الرمز ٤٧١١', 'الرمز ***'],
    ['Thank you, María!', 'Thank you, María!'],
  ])('the text %j is shown as %j', (text, masked) => expect(maskText(text)).toBe(masked))

  it('an address is shown with its beginning and end', () => {
    expect(maskAddress('+254711000111')).toBe('+254711***111')
    expect(maskAddress('ana@example.com')).toBe('a***@example.com')
  })
})
