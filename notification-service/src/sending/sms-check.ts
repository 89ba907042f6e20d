import type { NotificationFallback } from '@clientele/contracts/notification'
import parsePhoneNumber, { type NumberType } from 'libphonenumber-js/max'

// Kinds of numbers that get no SMS. A number of an unknown kind is tried: the provider decides.
const typesWithoutSms: readonly NumberType[] = [
  'FIXED_LINE',
  'TOLL_FREE',
  'PREMIUM_RATE',
  'SHARED_COST',
  'UAN',
  'VOICEMAIL',
  'PAGER',
]

type Options = {
  hasProvider: boolean
  /** The countries whose numbers get SMS; undefined for every country. */
  countries: readonly string[] | undefined
}

/** Returns why a telephone number gets no SMS; undefined if it gets one. */
export type SmsCheck = (phone: string) => NotificationFallback | undefined

export const createSmsCheck =
  ({ hasProvider, countries }: Options): SmsCheck =>
  (phone) => {
    if (!hasProvider) return 'no_sms_provider'
    const number = parsePhoneNumber(phone)
    const isAllowed = countries === undefined || countries.includes(number?.country ?? '')
    if (!isAllowed) return 'country_not_allowed'
    return typesWithoutSms.includes(number?.getType()) ? 'number_not_mobile' : undefined
  }
