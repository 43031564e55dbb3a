import { example } from "./example.js";

const show = (text) => { document.getElementById("result").textContent = text; };
example().then(show, (e) => { show(`${e.name} ${e.code ?? ""}: ${e.message}`); });
