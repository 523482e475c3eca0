// Beside the usual rules: what people read stands in texts.ts, in Russian, and nowhere else.
import jsxA11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const READ_ALOUD = "/^(aria-label|aria-description|title|placeholder|label|alt|description|errorMessage)$/";

export default tseslint.config(
  { ignores: ["dist", "src/api/generated", "node_modules"] },
  ...tseslint.configs.strict,
  jsxA11y.flatConfigs.recommended,
  {
    plugins: { "react-hooks": hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "jsx-a11y/no-autofocus": "off",
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    ignores: ["src/**/texts.ts", "src/**/*.test.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        { selector: "JSXText[value=/\\p{L}/u]", message: "Words belong into texts.ts." },
        { selector: `JSXAttribute[name.name=${READ_ALOUD}] > Literal[value=/\\p{L}/u]`, message: "Words belong into texts.ts." },
        { selector: "Literal[value=/[\\u0400-\\u04FF]{2}/]", message: "Russian words belong into texts.ts." },
        { selector: "TemplateElement[value.raw=/[\\u0400-\\u04FF]{2}/]", message: "Russian words belong into texts.ts." },
      ],
    },
  },
);
