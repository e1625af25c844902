// Every rule that html-validate recommends.
module.exports = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // A list may have a name (ARIA 1.2); by default the rule wants a landmark for it, and a page has enough of those.
    "aria-label-misuse": ["error", { allowAnyNamable: true }],
    // The form of a round lists twenty types of event for each irritant. HTML needs neither the quotes nor the end tags
    // of those options; with them a page of two hundred irritants is a tenth larger.
    "attr-quotes": ["error", { unquoted: true }],
    "no-implicit-close": "off",
    // A form sends a list as several hidden fields of one name.
    "form-dup-name": "off",
    // A report is titled by the person who files it, with up to 300 characters.
    "long-title": "off",
  },
};
