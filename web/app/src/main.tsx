/** Where the page begins. */

import { render } from "preact";

import "./style.css";
import { Model, WithModel } from "./state/model.js";
import { startTheme } from "./state/theme.js";
import { App } from "./views/app.js";

const model = new Model();
const root = document.getElementById("app");
if (root !== null) {
  startTheme();
  render(<WithModel value={model}><App /></WithModel>, root);
  void model.start();
}
