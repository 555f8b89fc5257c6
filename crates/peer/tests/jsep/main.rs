//! JSEP tested with text: offers in, answers and plans out. Golden texts stand in `vectors/jsep`; to write them anew
//! after a wanted change run the tests with `BLESS=1` and read the difference.

mod scene;
mod golden;
mod offers;
mod answers;
mod browsers;
mod refusals;
mod rollbacks;
mod simulcast;
mod trickling;
mod data;
mod totality;
mod walked;
