// Names say what a value is for. The values live in static/css/brand.css (the brand) and static/css/tokens.css
// (the meanings, light and dark); changing the brand means editing brand.css only.
const token = (name) => `var(--${name})`;
const tokens = (...names) => Object.fromEntries(names.map((name) => [name, token(name)]));

export default {
  content: ["./templates/**/*.html", "./static/js/**/*.js"],
  theme: {
    extend: {
      colors: tokens(
        "canvas", "sidebar", "surface", "raised", "sunken", "hover", "line", "line-strong",
        "ink", "ink-muted", "ink-subtle", "brand", "brand-hover", "on-brand", "brand-soft",
        "signal", "on-signal", "signal-soft", "link", "focus",
        "success", "success-soft", "warning", "warning-soft", "danger", "danger-soft", "info", "info-soft",
        "code", "code-ink",
      ),
      fontFamily: { sans: token("font-sans"), display: token("font-display"), mono: token("font-mono") },
      fontSize: {
        caption: ["0.75rem", "1.125rem"],
        label: ["0.8125rem", "1.25rem"],
        ui: ["0.875rem", "1.375rem"],
        lead: ["1rem", "1.625rem"],
        reading: ["1.0625rem", "1.8125rem"],
        h3: ["1.0625rem", "1.625rem"],
        h2: ["1.25rem", "1.75rem"],
        title: ["2rem", "2.375rem"],
        display: ["2.5rem", "2.875rem"],
      },
      screens: { tablet: "48rem", panel: "60rem", desktop: "68.75rem" },
      maxWidth: { reading: "46rem", page: "74rem" },
      borderRadius: { chip: "0.375rem", control: "0.625rem", card: "0.875rem", bubble: "1.25rem", composer: "1.5rem" },
      boxShadow: { rest: token("shadow-rest"), float: token("shadow-float"), overlay: token("shadow-overlay") },
      transitionTimingFunction: { swell: token("ease-swell") },
      transitionDuration: { fast: "120ms", base: "200ms", slow: "320ms" },
    },
  },
};
