import type { ImportPreset } from '@clientele/contracts/imports/import-options'
import type { Preset } from '@clientele/features/imports/columns/preset'

/** How the export of a program is read, in addition to what is general. */
export type CustomerPreset = Preset & {
  /** Whether telephone numbers have a country code without a plus: `4930901820`. */
  phonesWithoutPlus?: true
}

/** The exports of customers that are recognised, as their programs wrote them between 2019 and 2026. */
export const customerPresets: Readonly<Record<ImportPreset, CustomerPreset>> = {
  bigcommerce: {
    recognisedBy: [['Customer ID', 'Customer Group', 'Address Line 1 - 1']],
    fields: {
      externalId: ['Customer ID'],
      phone: ['Phone', 'Address Phone - 1'],
      tags: ['Customer Group'],
      'address.street': ['Address Line 1 - 1'],
      'address.city': ['Address City - 1'],
      'address.postalCode': ['Address Zip - 1'],
      'address.region': ['Address State - 1'],
      'address.country': ['Address Country - 1'],
    },
  },
  brevo: {
    recognisedBy: [
      ['CONTACT ID', 'EMAIL', 'SMS'],
      ['EMAIL_BLACKLISTED', 'SMS_BLACKLISTED'],
      ['EMAIL', 'FIRSTNAME', 'SMS'],
    ],
    fields: {
      externalId: ['EXT_ID', 'CONTACT ID'],
      phone: ['SMS', 'WHATSAPP', 'LANDLINE_NUMBER'],
      smsOptOut: ['SMS_BLACKLISTED'],
      tags: ['INTERESTS'],
    },
    phonesWithoutPlus: true,
  },
  'google-contacts': {
    recognisedBy: [
      ['Phonetic First Name', 'File As', 'Labels'],
      ['Given Name', 'Yomi Name', 'Group Membership'],
      ['Given Name', 'E-mail 1 - Value'],
    ],
    fields: {
      email: ['E-mail 1 - Value', 'E-mail 2 - Value', 'E-mail 3 - Value'],
      phone: ['Phone 1 - Value', 'Phone 2 - Value', 'Phone 3 - Value'],
    },
  },
  hubspot: {
    recognisedBy: [
      ['Record ID - Contact'],
      ['Record ID', 'Contact owner'],
      ['Record ID', 'Lifecycle Stage'],
      ['Record ID', 'Marketing contact status'],
    ],
    fields: {
      externalId: ['Record ID', 'Record ID - Contact'],
      phone: ['Mobile Phone Number', 'Phone Number', 'WhatsApp Phone Number'],
      locale: ['Preferred language'],
    },
  },
  klaviyo: {
    recognisedBy: [['Klaviyo ID', 'Email']],
    fields: { externalId: ['Klaviyo ID'], smsOptIn: ['SMS Marketing Consent', 'SMS Consent'] },
  },
  magento: {
    recognisedBy: [
      ['Group', 'Web Site', 'Account Created in'],
      ['_website', '_store', 'group_id', 'firstname'],
    ],
    fields: { externalId: ['ID'], fullName: ['Name'], tags: ['Group'], 'address.street': ['Street Address'] },
    // The account has its own name; that of an address can be another person's, and is absent without an address.
    ignored: ['Billing Firstname', 'Billing Lastname'],
  },
  mailchimp: {
    recognisedBy: [
      ['MEMBER_RATING', 'OPTIN_TIME'],
      ['LEID', 'EUID'],
    ],
    // Where the subscriber's network is.
    ignored: ['CC', 'REGION'],
  },
  outlook: {
    recognisedBy: [
      ['E-mail Address', 'E-mail 2 Address', 'Business Postal Code'],
      ['E-mail Address', 'Business Phone', 'Home Street'],
    ],
    fields: {
      email: ['E-mail Address', 'E-mail 2 Address', 'E-mail 3 Address'],
      phone: ['Mobile Phone', 'Primary Phone', 'Business Phone', 'Home Phone', 'Other Phone', 'Company Main Phone'],
      tags: ['Categories'],
    },
  },
  pipedrive: {
    recognisedBy: [['Person - Name']],
    fields: {
      externalId: ['Person - ID'],
      name: ['Person - First name'],
      surname: ['Person - Last name'],
      fullName: ['Person - Name'],
      email: ['Person - Email - Work', 'Person - Email', 'Person - Email - Home', 'Person - Email - Other'],
      phone: [
        ...['Person - Phone - Mobile', 'Person - Phone - Work', 'Person - Phone', 'Person - Phone - Home'],
        'Person - Phone - Other',
      ],
      tags: ['Person - Labels', 'Person - Label'],
      'address.street': ['Person - Postal address'],
      'address.city': ['Person - City/town/village/locality of Postal address'],
      'address.postalCode': ['Person - ZIP/Postal code of Postal address'],
      'address.region': ['Person - State/county of Postal address'],
      'address.country': ['Person - Country of Postal address'],
    },
  },
  prestashop: {
    recognisedBy: [['Social title', 'Email address', 'Partner offers']],
    fields: { externalId: ['ID'], tags: ['Group'] },
  },
  quickbooks: {
    recognisedBy: [['Phone numbers', 'Full name', 'Billing address']],
    fields: {
      fullName: ['Full name'],
      phone: ['Phone numbers'],
      'address.street': ['Billing address', 'Shipping address'],
    },
  },
  salesforce: {
    recognisedBy: [
      ['Mailing State/Province', 'Mailing Zip/Postal Code'],
      ['Account Name', 'Account Owner', 'Last Name'],
      ['LASTNAME', 'FIRSTNAME', 'OWNERID'],
      ['LASTNAME', 'ACCOUNTID'],
    ],
    fields: {
      externalId: ['ID', 'Contact ID', 'Lead ID'],
      phone: ['Mobile', 'MobilePhone', 'Phone', 'Home Phone', 'Other Phone'],
    },
  },
  shopify: {
    recognisedBy: [
      ['Accepts Email Marketing', 'Total Spent', 'Tax Exempt'],
      ['Accepts Marketing', 'Total Spent', 'Tax Exempt'],
    ],
    fields: {
      externalId: ['Customer ID'],
      phone: ['Phone', 'Default Address Phone'],
      smsOptIn: ['Accepts SMS Marketing'],
      'address.street': ['Default Address Address1', 'Address1'],
      'address.city': ['Default Address City', 'City'],
      'address.postalCode': ['Default Address Zip', 'Zip'],
      'address.region': ['Default Address Province Code', 'Province Code'],
      'address.country': ['Default Address Country Code', 'Country Code'],
    },
  },
  square: {
    recognisedBy: [['Square Customer ID']],
    fields: { externalId: ['Square Customer ID'] },
  },
  stripe: {
    recognisedBy: [['id', 'Email', 'Created (UTC)']],
    fields: {
      externalId: ['id'],
      fullName: ['Name', 'Card Name', 'Shipping Name'],
      'address.street': ['Card Address Line1', 'Shipping Address Line1'],
      'address.city': ['Card Address City', 'Shipping Address City'],
      'address.postalCode': ['Card Address Zip', 'Shipping Address Postal Code'],
      'address.region': ['Card Address State', 'Shipping Address State'],
      'address.country': ['Card Address Country', 'Shipping Address Country'],
    },
  },
  thunderbird: {
    recognisedBy: [['Primary Email', 'Screen Name']],
    fields: {
      email: ['Primary Email', 'Secondary Email'],
      phone: ['Mobile Number', 'Work Phone', 'Home Phone'],
      'address.street': ['Home Address', 'Work Address'],
      'address.city': ['Home City', 'Work City'],
      'address.postalCode': ['Home ZipCode', 'Home Post Code', 'Work ZipCode', 'Work Zip', 'Work Post Code'],
      'address.region': ['Home State', 'Home County', 'Work State', 'Work County'],
      'address.country': ['Home Country', 'Work Country'],
    },
  },
  wix: {
    recognisedBy: [
      ['Email 1', 'Phone 1', 'Labels'],
      ['Email subscriber status', 'SMS subscriber status'],
    ],
    fields: {
      email: ['Email 1', 'Email 2'],
      phone: ['Phone 1', 'Phone 2'],
      smsOptIn: ['SMS subscriber status'],
      'address.street': ['Address 1 - Street'],
      'address.city': ['Address 1 - City'],
      'address.postalCode': ['Address 1 - Zip'],
      'address.region': ['Address 1 - State/Region'],
      'address.country': ['Address 1 - Country'],
    },
  },
  woocommerce: {
    recognisedBy: [
      ['billing_first_name', 'billing_phone'],
      ['Username', 'Total Spend', 'AOV'],
    ],
    fields: {
      externalId: ['ID', 'Customer ID', 'User ID'],
      email: ['user_email', 'customer_email', 'billing_email', 'Email'],
    },
  },
  xero: {
    recognisedBy: [['ContactName', 'AccountNumber', 'POAddressLine1']],
    fields: {
      externalId: ['AccountNumber'],
      phone: ['MobileNumber', 'PhoneNumber', 'DDINumber'],
      'address.street': ['POAddressLine1', 'SAAddressLine1'],
      'address.city': ['POCity', 'SACity'],
      'address.postalCode': ['POPostalCode', 'SAPostalCode'],
      'address.region': ['PORegion', 'SARegion'],
      'address.country': ['POCountry', 'SACountry'],
    },
    phonesWithoutPlus: true,
  },
  zoho: {
    recognisedBy: [['Record Id', 'Contact Owner', 'Contact Name']],
    fields: {
      externalId: ['Record Id'],
      phone: ['Mobile', 'Phone', 'Home Phone', 'Other Phone'],
      'address.postalCode': ['Mailing Zip', 'Mailing Postal Code'],
    },
  },
}
