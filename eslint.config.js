// Lint rules: the mechanical part of the style rules in CONTRIBUTING.md. What is switched off says why.
import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

const TYPESCRIPT = ["**/*.ts"];

export default defineConfig(
  globalIgnores(["dist/", "coverage/", ".live/", "test/golden/"]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    files: TYPESCRIPT,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { requireDefaultForNonUnion: true }],
      // It believes that what a signal said before an `await` still holds after it.
      "@typescript-eslint/no-unnecessary-condition": "off",
      // Numbers have one obvious text form.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `return refuse(…)` is an early return, whatever it gives.
      "@typescript-eslint/no-confusing-void-expression": "off",
      // What servers count is code points, and these are what a spread string gives.
      "@typescript-eslint/no-misused-spread": ["error", { allow: ["string"] }],
      // As tsc has it: an underscore says that a port gives more than is needed here.
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true }],
      // The ports are asynchronous so that other places can stand behind them: an `async` method that has nothing to wait for
      // (memory, fakes) is right, and still turns what it throws into a rejection.
      "@typescript-eslint/require-await": "off",
      eqeqeq: "error",
      "max-params": ["error", 4],
      "max-lines": ["error", { max: 300 }],
      "no-restricted-properties": [
        "error",
        { object: "process", property: "exit", message: "set process.exitCode: only src/cli/main.ts exits" },
      ],
    },
  },
  {
    files: TYPESCRIPT,
    ignores: ["*.config.ts"],
    rules: {
      "no-restricted-syntax": ["error", { selector: "ExportDefaultDeclaration", message: "exports are named" }],
    },
  },
  {
    files: ["src/**/*.ts"],
    rules: {
      "max-lines-per-function": ["error", { max: 40 }],
      "no-console": "error",
    },
  },
  { files: ["src/cli/**/*.ts"], rules: { "no-console": "off" } },
  { files: ["src/cli/main.ts"], rules: { "no-restricted-properties": "off" } },
  {
    files: ["test/**/*.ts"],
    rules: {
      // A fake may have methods that do nothing.
      "@typescript-eslint/no-empty-function": "off",
      // A fixture's functions are taken out of it by name; they are closures.
      "@typescript-eslint/unbound-method": "off",
      // Numbers that no double holds are what some tests are about.
      "no-loss-of-precision": "off",
    },
  },
);
