import { SegmentedMessage } from 'sms-segments-calculator'

/** How many segments an SMS is sent, and billed, as. */
export const countSegments = (text: string): number => new SegmentedMessage(text).segmentsCount

/** Whether all characters are in the GSM alphabet (3GPP TS 23.038). A single other one cuts a segment from 160 to 70 characters. */
export const isGsm = (text: string): boolean => new SegmentedMessage(text).encodingName === 'GSM-7'

// The library does not replace these dashes, and replaces some spaces by two.
const otherDashes = /[\u2011\u2012\u2212]/gu
const spaces = /[^\S\n]/gu

/** Replaces typographic quotes, dashes, ellipses and spaces by their twins in the GSM alphabet: `Joe’s – …` → `Joe's - ...`. */
export const toPlainText = (text: string): string =>
  new SegmentedMessage(text.replace(otherDashes, '-').replace(spaces, ' '), 'auto', true).graphemes.join('')
